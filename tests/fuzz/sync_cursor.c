/* Any bytes as the cursor of GET /sync: what is read is written as the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "lib/model/sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sync_cursor cursor;
	char text[SYNC_CURSOR_LEN + 1];
	if (sync_cursor_read((struct str){ (const char *)data, size }, &cursor) != OK)
		return 0;
	if (cursor.phase >= SYNC_PHASE__MAX || cursor.from < 0 || cursor.next_from < 0 ||
		cursor.seq < 0 || cursor.known_seq < 0)
		abort();
	sync_cursor_write(&cursor, text);
	if (size != SYNC_CURSOR_LEN || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
