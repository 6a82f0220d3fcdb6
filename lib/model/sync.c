/* Catching up: the cursor and the answer (sync.h). Called by rest/handler/sync.c. */
#include "lib/model/sync.h"

#include <endian.h>
#include <string.h>

#include <sodium.h>

#include "lib/json_write.h"
#include "lib/model/timings.h"

/* --- the cursor ------------------------------------------------------------------------------- */

/*
 * version 1, phase 1, identity 8, began_at_s 8, from 8, next_from 8, conversation 16, and 16 bytes of the place in it: a user
 * id, or seq and known_seq. Numbers are big-endian. What does not belong to the phase is zero, so that a
 * cursor has one spelling.
 */
enum {
	CURSOR_VERSION = 1,
	CURSOR_BYTES = 66,
	AT_PHASE = 1,
	AT_IDENTITY = 2,
	AT_BEGAN = 10,
	AT_FROM = 18,
	AT_NEXT_FROM = 26,
	AT_CONVERSATION = 34,
	AT_USER = 50,
	AT_SEQ = 50,
	AT_KNOWN_SEQ = 58,
};

static uint64_t get_uint64(const uint8_t *bytes)
{
	uint64_t wire;

	memcpy(&wire, bytes, sizeof(wire));
	return be64toh(wire);
}

static void put_uint64(uint8_t *bytes, uint64_t number)
{
	uint64_t wire = htobe64(number);

	memcpy(bytes, &wire, sizeof(wire));
}

/* Is the place one of its phase? */
static bool has_place(const struct sync_cursor *cursor)
{
	bool begun = !uuid_is_nil(&cursor->conversation_id);
	bool has_user = !uuid_is_nil(&cursor->user_id);

	switch (cursor->phase) {
	case SYNC_MESSAGES:
		return begun == (cursor->seq > 0) && cursor->seq >= 0 && cursor->known_seq >= 0 &&
		       (begun || cursor->known_seq == 0);
	case SYNC_RECEIPTS:
		return begun == has_user;
	default:
		return !has_user && cursor->seq == 0 && cursor->known_seq == 0;
	}
}

static bool is_sound(const struct sync_cursor *cursor)
{
	bool everything = cursor->phase == SYNC_EVERYTHING;

	if (cursor->began_at_s < 0 || cursor->from < 0 || cursor->next_from < 0)
		return false;
	if (everything != (cursor->from == 0) || !has_place(cursor))
		return false;
	/* between two sweeps it stands at the beginning of the next */
	if (cursor->next_from == 0)
		return cursor->phase <= SYNC_CONVERSATIONS && uuid_is_nil(&cursor->conversation_id);
	return cursor->next_from >= cursor->from;
}

enum err sync_cursor_read(struct str text, struct sync_cursor *out)
{
	uint8_t bytes[CURSOR_BYTES];
	struct sync_cursor cursor = { 0 };
	size_t len;

	if (text.len != SYNC_CURSOR_LEN || !text_is_base64url(text) ||
		sodium_base642bin(bytes, sizeof(bytes), text.ptr, text.len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof(bytes))
		return ERR_INVALID_INPUT;
	if (bytes[0] != CURSOR_VERSION || bytes[AT_PHASE] >= SYNC_PHASE__MAX)
		return ERR_INVALID_INPUT;
	cursor.phase = (enum sync_phase)bytes[AT_PHASE];
	cursor.identity = get_uint64(bytes + AT_IDENTITY);
	cursor.began_at_s = (int64_t)get_uint64(bytes + AT_BEGAN);
	cursor.from = (int64_t)get_uint64(bytes + AT_FROM);
	cursor.next_from = (int64_t)get_uint64(bytes + AT_NEXT_FROM);
	memcpy(cursor.conversation_id.bytes, bytes + AT_CONVERSATION,
		sizeof(cursor.conversation_id.bytes));
	if (cursor.phase == SYNC_MESSAGES) {
		cursor.seq = (int64_t)get_uint64(bytes + AT_SEQ);
		cursor.known_seq = (int64_t)get_uint64(bytes + AT_KNOWN_SEQ);
	} else {
		memcpy(cursor.user_id.bytes, bytes + AT_USER, sizeof(cursor.user_id.bytes));
	}
	if (!is_sound(&cursor))
		return ERR_INVALID_INPUT;
	*out = cursor;
	return OK;
}

void sync_cursor_write(const struct sync_cursor *cursor, char out[SYNC_CURSOR_LEN + 1])
{
	uint8_t bytes[CURSOR_BYTES] = { CURSOR_VERSION };

	bytes[AT_PHASE] = (uint8_t)cursor->phase;
	put_uint64(bytes + AT_IDENTITY, cursor->identity);
	put_uint64(bytes + AT_BEGAN, (uint64_t)cursor->began_at_s);
	put_uint64(bytes + AT_FROM, (uint64_t)cursor->from);
	put_uint64(bytes + AT_NEXT_FROM, (uint64_t)cursor->next_from);
	memcpy(bytes + AT_CONVERSATION, cursor->conversation_id.bytes,
		sizeof(cursor->conversation_id.bytes));
	if (cursor->phase == SYNC_MESSAGES) {
		put_uint64(bytes + AT_SEQ, (uint64_t)cursor->seq);
		put_uint64(bytes + AT_KNOWN_SEQ, (uint64_t)cursor->known_seq);
	} else {
		memcpy(bytes + AT_USER, cursor->user_id.bytes, sizeof(cursor->user_id.bytes));
	}
	sodium_bin2base64(out, SYNC_CURSOR_LEN + 1, bytes, sizeof(bytes),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void receipt_write(struct buf *buf, const struct sync_receipt *receipt)
{
	json_write_object(buf);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &receipt->conversation_id);
	json_write_key(buf, "user_id");
	json_write_uuid(buf, &receipt->user_id);
	json_write_key(buf, "last_read_seq");
	json_write_int(buf, receipt->last_read_seq);
	json_write_key(buf, "last_delivered_seq");
	json_write_int(buf, receipt->last_delivered_seq);
	json_write_object_end(buf);
}

static void lists_write(struct buf *buf, const struct sync *sync)
{
	json_write_key(buf, "conversations");
	json_write_array(buf);
	for (size_t i = 0; i < sync->nconversations; i++)
		conversation_write(buf, &sync->conversations[i]);
	json_write_array_end(buf);
	json_write_key(buf, "messages");
	json_write_array(buf);
	for (size_t i = 0; i < sync->nmessages; i++)
		message_write(buf, &sync->messages[i]);
	json_write_array_end(buf);
	json_write_key(buf, "receipts");
	json_write_array(buf);
	for (size_t i = 0; i < sync->nreceipts; i++)
		receipt_write(buf, &sync->receipts[i]);
	json_write_array_end(buf);
	json_write_key(buf, "left");
	json_write_array(buf);
	for (size_t i = 0; i < sync->nleft; i++)
		json_write_uuid(buf, &sync->left[i]);
	json_write_array_end(buf);
}

void sync_write(struct buf *buf, const struct sync *sync)
{
	char next[SYNC_CURSOR_LEN + 1];

	sync_cursor_write(&sync->next, next);
	json_write_object(buf);
	lists_write(buf, sync);
	json_write_key(buf, "next");
	json_write_string(buf, next);
	json_write_key(buf, "has_more");
	json_write_bool(buf, sync->has_more);
	json_write_key(buf, "reset");
	json_write_bool(buf, sync->reset);
	json_write_key(buf, "timings");
	timings_write(buf);
	json_write_object_end(buf);
}
