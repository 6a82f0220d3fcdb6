/* The cursor of a list (cursor.h). Called by the handlers of lists. */
#include "rest/cursor.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "lib/time.h"

/*
 * A cursor is the place of the last row, base64url: of a list by time microseconds and id, 24 bytes, and seq, of messages; of a
 * list by name a hash of what was asked, id and name; of a list by number or id that itself. It grants nothing: each list is of what the
 * caller may see wherever it begins.
 */
enum {
	CURSOR_BYTES = 24,
	MESSAGE_CURSOR_BYTES = CURSOR_BYTES + 8,
	NAME_HASH_BYTES = 16, /* the least that BLAKE2b gives */
	NAME_HEAD_BYTES = NAME_HASH_BYTES + 16,
	NAME_MAX_BYTES = 1024 /* above what the index of people holds */
};

static const char *bytes_write(struct arena *arena, const uint8_t *bytes, size_t size)
{
	size_t text_size =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = arena_alloc(arena, text_size);

	sodium_bin2base64(text, text_size, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return text;
}

static void int64_put(uint8_t *bytes, int64_t number)
{
	uint64_t big = htobe64((uint64_t)number);

	memcpy(bytes, &big, sizeof(big));
}

static int64_t int64_get(const uint8_t *bytes)
{
	uint64_t big;

	memcpy(&big, bytes, sizeof(big));
	return (int64_t)be64toh(big);
}

static void place_put(uint8_t bytes[CURSOR_BYTES], int64_t at_us, const struct uuid *id)
{
	int64_put(bytes, at_us);
	memcpy(bytes + sizeof(at_us), id->bytes, sizeof(id->bytes));
}

const char *cursor_write(struct arena *arena, int64_t at_us, const struct uuid *id)
{
	uint8_t bytes[CURSOR_BYTES];

	place_put(bytes, at_us, id);
	return bytes_write(arena, bytes, sizeof(bytes));
}

const char *cursor_write_message(struct arena *arena, const struct message_cursor *place)
{
	uint8_t bytes[MESSAGE_CURSOR_BYTES];

	place_put(bytes, place->at_us, &place->conversation_id);
	int64_put(bytes + CURSOR_BYTES, place->seq);
	return bytes_write(arena, bytes, sizeof(bytes));
}

/* Within what PostgreSQL takes for a time: 1970 to 9999. */
#define CURSOR_MAX_US INT64_C(253402300799999999)

static void refuse(struct request *req)
{
	fault_add(&req->faults, "cursor", "bad_format", "Not a cursor of this list.");
}

/* The parameter, when it is there and of so many bytes; one of others is refused. */
static bool bytes_read(struct request *req, uint8_t *bytes, size_t size)
{
	size_t len;
	struct str text;

	if (request_query(req, "cursor", &text) != OK)
		return false;
	if (text_from_base64url(text, bytes, size, &len) && len == size)
		return true;
	refuse(req);
	return false;
}

static bool place_get(const uint8_t bytes[CURSOR_BYTES], int64_t *at_us, struct uuid *id)
{
	*at_us = int64_get(bytes);
	memcpy(id->bytes, bytes + sizeof(*at_us), sizeof(id->bytes));
	return *at_us >= 0 && *at_us <= CURSOR_MAX_US && !uuid_is_nil(id);
}

void cursor_read(struct request *req, struct cursor *out)
{
	uint8_t bytes[CURSOR_BYTES];

	*out = (struct cursor){ .at_us = TIME_NONE };
	if (bytes_read(req, bytes, sizeof(bytes)) && !place_get(bytes, &out->at_us, &out->id))
		refuse(req);
}

void cursor_read_message(struct request *req, struct message_cursor *out)
{
	uint8_t bytes[MESSAGE_CURSOR_BYTES];

	*out = (struct message_cursor){ .at_us = TIME_NONE };
	if (!bytes_read(req, bytes, sizeof(bytes)))
		return;
	out->seq = int64_get(bytes + CURSOR_BYTES);
	if (!place_get(bytes, &out->at_us, &out->conversation_id) || out->seq < 1)
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
	uint8_t *bytes = arena_alloc(arena, size);

	asked_hash(asked, bytes);
	memcpy(bytes + NAME_HASH_BYTES, place->id.bytes, sizeof(place->id.bytes));
	memcpy(bytes + NAME_HEAD_BYTES, place->name.ptr, place->name.len);
	return bytes_write(arena, bytes, size);
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
