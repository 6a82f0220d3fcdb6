/* The cursor of a list (cursor.h). Called by the handlers of lists by time. */
#include "rest/cursor.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "lib/time.h"

/*
 * A cursor is the place of the last row: microseconds and id, 24 bytes, base64url. It grants
 * nothing: each list is of the caller's own things wherever it begins.
 */
enum {
	CURSOR_BYTES = 24,
	CURSOR_TEXT_LEN = 32
};

const char *cursor_write(struct arena *arena, int64_t at_us, const struct uuid *id)
{
	char *text = arena_alloc(arena, CURSOR_TEXT_LEN + 1);
	uint8_t bytes[CURSOR_BYTES];
	uint64_t at = htobe64((uint64_t)at_us);

	memcpy(bytes, &at, sizeof(at));
	memcpy(bytes + sizeof(at), id->bytes, sizeof(id->bytes));
	sodium_bin2base64(text, CURSOR_TEXT_LEN + 1, bytes, sizeof(bytes),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return text;
}

/* Within what PostgreSQL takes for a time: 1970 to 9999. */
#define CURSOR_MAX_US INT64_C(253402300799999999)

void cursor_read(struct request *req, struct cursor *out)
{
	uint8_t bytes[CURSOR_BYTES];
	uint64_t at;
	size_t len;
	struct str text;
	enum err err = request_query(req, "cursor", &text);

	*out = (struct cursor){ .at_us = TIME_NONE };
	if (err != OK)
		return;
	if (text.len != CURSOR_TEXT_LEN || !text_is_base64url(text) ||
		sodium_base642bin(bytes, sizeof(bytes), text.ptr, text.len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof(bytes)) {
		fault_add(&req->faults, "cursor", "bad_format", "Not a cursor of this list.");
		return;
	}
	memcpy(&at, bytes, sizeof(at));
	out->at_us = (int64_t)be64toh(at);
	memcpy(out->id.bytes, bytes + sizeof(at), sizeof(out->id.bytes));
	if (out->at_us < 0 || out->at_us > CURSOR_MAX_US || uuid_is_nil(&out->id))
		fault_add(&req->faults, "cursor", "bad_format", "Not a cursor of this list.");
}
