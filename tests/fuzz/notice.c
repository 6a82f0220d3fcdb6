/*
 * Fuzzes the reading of what the plugin says to parley-push, and holds what is accepted against the format: written again,
 * it is what came in but for the spelling of ids.
 */
#include "push/broker/notice.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char again[NOTICE_BYTES_MAX];
	struct notice notice, second;
	size_t len;
	if (notice_read((struct str){ (const char *)data, size }, &notice) != OK)
		return 0;
	notice_write(&notice, again, &len);
	if (len != size || notice_read((struct str){ again, len }, &second) != OK ||
		second.kind != notice.kind || !uuid_equal(&second.user_id, &notice.user_id) ||
		!uuid_equal(&second.session_id, &notice.session_id) ||
		!str_equal(second.claims, notice.claims) ||
		!str_equal(second.issuer, notice.issuer))
		abort();
	return 0;
}
