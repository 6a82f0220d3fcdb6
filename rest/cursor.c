/* The cursor of a list (cursor.h). Called by the handlers of lists. */
#include "rest/cursor.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "lib/time.h"

/*
 * A cursor is the place of the last row, base64url: of a list by time microseconds and id, 24 bytes; of a list by name a hash
 * of what was asked, id and name; of a list by number or id that itself. It grants nothing: each list is of what the caller may see wherever it begins.
 */
enum {
	CURSOR_BYTES = 24,
	CURSOR_TEXT_LEN = 32,
	NAME_HASH_BYTES = 16, /* the least that BLAKE2b gives */
	NAME_HEAD_BYTES = NAME_HASH_BYTES + 16,
	NAME_MAX_BYTES = 1024 /* above what the index of people holds */
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

static void refuse(struct request *req)
{
	fault_add(&req->faults, "cursor", "bad_format", "Not a cursor of this list.");
}

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
		refuse(req);
		return;
	}
	memcpy(&at, bytes, sizeof(at));
	out->at_us = (int64_t)be64toh(at);
	memcpy(out->id.bytes, bytes + sizeof(at), sizeof(out->id.bytes));
	if (out->at_us < 0 || out->at_us > CURSOR_MAX_US || uuid_is_nil(&out->id))
		refuse(req);
}

const char *cursor_write_number(struct arena *arena, int64_t number)
{
	return arena_printf(arena, "%lld", (long long)number);
}

int64_t cursor_read_number(struct request *req)
{
	struct str text;
	long long number;

	if (request_query(req, "cursor", &text) != OK)
		return 0;
	if (text_parse_int(text, 1, INT64_MAX, &number))
		return number;
	refuse(req);
	return 0;
}

const char *cursor_write_id(struct arena *arena, const struct uuid *id)
{
	char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);

	uuid_format(id, text);
	return text;
}

void cursor_read_id(struct request *req, struct uuid *out)
{
	struct str text;

	*out = (struct uuid){ { 0 } };
	if (request_query(req, "cursor", &text) == OK &&
		(uuid_parse(text, out) != OK || uuid_is_nil(out)))
		refuse(req);
}

static void asked_hash(struct str asked, uint8_t out[NAME_HASH_BYTES])
{
	crypto_generichash(
		out, NAME_HASH_BYTES, (const unsigned char *)asked.ptr, asked.len, NULL, 0);
}

const char *cursor_write_name(
	struct arena *arena, struct str asked, const struct name_cursor *place)
{
	size_t size = NAME_HEAD_BYTES + place->name.len;
	size_t text_size =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	uint8_t *bytes = arena_alloc(arena, size);
	char *text = arena_alloc(arena, text_size);

	asked_hash(asked, bytes);
	memcpy(bytes + NAME_HASH_BYTES, place->id.bytes, sizeof(place->id.bytes));
	memcpy(bytes + NAME_HEAD_BYTES, place->name.ptr, place->name.len);
	sodium_bin2base64(text, text_size, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return text;
}

void cursor_read_name(struct request *req, struct str asked, struct name_cursor *out)
{
	size_t max = NAME_HEAD_BYTES + NAME_MAX_BYTES, len;
	uint8_t hash[NAME_HASH_BYTES], *bytes;
	struct str text;
	enum err err = request_query(req, "cursor", &text);

	*out = (struct name_cursor){ { NULL, 0 }, { { 0 } } };
	if (err != OK)
		return;
	bytes = arena_alloc(req->arena, max);
	asked_hash(asked, hash);
	if (!text_is_base64url(text) ||
		sodium_base642bin(bytes, max, text.ptr, text.len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len <= NAME_HEAD_BYTES || memcmp(bytes, hash, sizeof(hash)) != 0) {
		refuse(req);
		return;
	}
	memcpy(out->id.bytes, bytes + NAME_HASH_BYTES, sizeof(out->id.bytes));
	out->name = (struct str){ (const char *)bytes + NAME_HEAD_BYTES, len - NAME_HEAD_BYTES };
	if (uuid_is_nil(&out->id) || !text_is_utf8(out->name))
		refuse(req);
}
