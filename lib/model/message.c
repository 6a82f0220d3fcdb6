/*
 * Messages: what may be sent, the digest that tells a retry from another message with the same id,
 * and the one spelling of a message in JSON.
 */
#include "lib/model/message.h"

#include <string.h>

#include <sodium.h>

#include "lib/json_write.h"
#include "lib/time.h"

/* Types with a meaning of their own; a client's own begin with "x-". */
static const struct str message_types[] = {
	STR("text"),
	STR("image"),
	STR("file"),
	STR("audio"),
	STR("video"),
	STR("location"),
	STR("encrypted"),
};

static const char *const status_names[] = {
	[MESSAGE_SENT] = "sent",
	[MESSAGE_DELIVERED] = "delivered",
	[MESSAGE_READ] = "read",
};

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_own_type(struct str type)
{
	if (type.len < 3 || type.len > MESSAGE_TYPE_MAX_BYTES || memcmp(type.ptr, "x-", 2) != 0)
		return false;
	for (size_t i = 2; i < type.len; i++) {
		char byte = type.ptr[i];
		if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') &&
			!memchr("._-", byte, 3))
			return false;
	}
	return true;
}

static bool is_type(struct str type)
{
	for (size_t i = 0; i < sizeof(message_types) / sizeof(message_types[0]); i++) {
		if (str_equal(type, message_types[i]))
			return true;
	}
	return is_own_type(type);
}

/* Version 4 or 7 of the variant of RFC 9562: what clients make and nobody can foresee. */
static bool is_client_id(const struct uuid *id)
{
	int version = id->bytes[6] >> 4;
	return (version == 4 || version == 7) && (id->bytes[8] & 0xc0) == 0x80;
}

static void id_read(const struct json *body, struct faults *faults, struct uuid *out)
{
	struct uuid id;
	if (!json_read_uuid(body, "id", JSON_OPTIONAL, faults, &id))
		return;
	if (is_client_id(&id))
		*out = id;
	else
		fault_add(faults, "id", "bad_format", "It must be a UUID of version 4 or 7.");
}

/* The nil id, which stands for none further on, is no message's. */
static void reply_to_read(const struct json *body, struct faults *faults, struct uuid *out)
{
	if (json_read_uuid(body, "reply_to", JSON_OPTIONAL, faults, out) && uuid_is_nil(out))
		fault_add(faults, "reply_to", "unknown",
			"There is no such message in this conversation.");
}

static void type_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str type;
	*out = STR("text");
	if (!json_read_bytes(body, "type", JSON_OPTIONAL, 0, SIZE_MAX, faults, &type))
		return;
	if (is_type(type))
		*out = type;
	else
		fault_add(faults, "type", "bad_format",
			"It must be a type of message, or begin with x- and be of a-z 0-9 . _ - "
			"alone.");
}

/* An empty text is none. */
static void body_read(const struct json *body, size_t max, struct faults *faults, struct str *out)
{
	struct str text;
	if (json_read_bytes(body, "body", JSON_OPTIONAL, 0, max, faults, &text) && text.len > 0)
		*out = text;
}

static void ciphertext_read(
	const struct json *body, size_t max, struct faults *faults, struct str *out)
{
	struct str base64;
	size_t bytes;
	if (!json_read_bytes(body, "ciphertext", JSON_OPTIONAL, 0, SIZE_MAX, faults, &base64))
		return;
	if (base64.len == 0)
		return;
	if (!text_is_base64(base64, &bytes))
		fault_add(faults, "ciphertext", "bad_format", "It must be base64 with padding.");
	else if (bytes > max)
		fault_add(faults, "ciphertext", "too_long", "It is too long.");
	else
		*out = base64;
}

static bool ids_have(const struct uuid *ids, size_t count, const struct uuid *id)
{
	for (size_t i = 0; i < count; i++) {
		if (uuid_equal(&ids[i], id))
			return true;
	}
	return false;
}

static void attachments_read(struct arena *arena, const struct json *body, struct faults *faults,
	struct message_new *out)
{
	const struct json *list;
	if (!json_read_array(
		    body, "attachments", JSON_OPTIONAL, MESSAGE_ATTACHMENTS_MAX, faults, &list))
		return;
	struct uuid *ids = arena_calloc(arena, json_length(list) + 1, sizeof(*ids));
	for (size_t i = 0; i < json_length(list); i++) {
		const char *field = arena_printf(arena, "attachments[%zu]", i);
		const struct json *element = json_at(list, i);
		if (json_kind_of(element) != JSON_STRING)
			fault_add(faults, field, "bad_type", "It must be a string.");
		else if (uuid_parse(json_str(element), &ids[i]) != OK)
			fault_add(faults, field, "bad_format", "It must be a UUID.");
		else if (ids_have(ids, i, &ids[i]))
			fault_add(faults, field, "duplicate", "This attachment is named twice.");
	}
	out->attachments = ids;
	out->nattachments = json_length(list);
}

/* Is it there at all, be it null? */
static bool is_sent(const struct json *body, const char *key)
{
	return json_get(body, key) != NULL || json_is_null(body, key);
}

/* Is it a message, whatever was sent or is left of it? */
static bool content_check(struct str type, struct str body, struct str ciphertext,
	bool has_attachments, struct faults *faults)
{
	if (str_equal(type, STR("encrypted")) && ciphertext.ptr == NULL)
		fault_add(faults, "ciphertext", "required", "An encrypted message needs it.");
	else if (body.ptr == NULL && ciphertext.ptr == NULL && !has_attachments)
		fault_add(faults, "body", "required",
			"A message needs a body, ciphertext or attachments.");
	else
		return true;
	return false;
}

/* --- the digest ------------------------------------------------------------------------------- */

static void digest_bytes(crypto_generichash_state *state, const void *bytes, size_t len)
{
	crypto_generichash_update(state, bytes, len);
}

/* Whether it is there, how long it is, and it: no two lists of fields give the same bytes. */
static void digest_field(crypto_generichash_state *state, struct str field)
{
	uint8_t head[1 + 8] = { field.ptr != NULL };
	for (size_t i = 0; i < 8; i++)
		head[1 + i] = (uint8_t)((uint64_t)field.len >> 8 * i);
	digest_bytes(state, head, sizeof(head));
	if (field.len > 0)
		digest_bytes(state, field.ptr, field.len);
}

static struct str metadata_or_none(struct str metadata)
{
	return metadata.ptr != NULL ? metadata : STR("{}");
}

static bool metadata_equal(struct arena *arena, struct str one, struct str other)
{
	struct buf first = { 0 }, second = { 0 };
	json_canonical(arena, metadata_or_none(one), &first);
	json_canonical(arena, metadata_or_none(other), &second);
	bool equal = str_equal(
		(struct str){ first.data, first.len }, (struct str){ second.data, second.len });
	buf_free(&first);
	buf_free(&second);
	return equal;
}

/* The content as values. It is kept with the message for ever: this must not change. A kind of
 * content that comes to be goes at the end, and only when it is there. */
static void content_digest(struct arena *arena, struct message_new *message)
{
	crypto_generichash_state state;
	struct buf metadata = { 0 };
	struct str reply_to = { NULL, 0 };
	if (!uuid_is_nil(&message->reply_to))
		reply_to = (struct str){ (const char *)message->reply_to.bytes,
			sizeof(message->reply_to.bytes) };
	json_canonical(arena, metadata_or_none(message->metadata), &metadata);

	crypto_generichash_init(&state, NULL, 0, MESSAGE_DIGEST_BYTES);
	digest_field(&state, message->type);
	digest_field(&state, message->body);
	digest_field(&state, message->ciphertext);
	digest_field(&state, (struct str){ metadata.data, metadata.len });
	digest_field(&state, reply_to);
	if (message->nattachments > 0)
		digest_field(&state, (struct str){ (const char *)message->attachments,
					     message->nattachments * sizeof(struct uuid) });
	crypto_generichash_final(&state, message->digest, MESSAGE_DIGEST_BYTES);
	buf_free(&metadata);
}

struct message_limits message_limits_of(const struct conf *conf)
{
	return (struct message_limits){
		.body_max_bytes = (size_t)conf->body_max_bytes,
		.ciphertext_max_bytes = (size_t)conf->ciphertext_max_bytes,
		.metadata_max_bytes = (size_t)conf->metadata_max_bytes,
	};
}

void message_new_read(struct arena *arena, const struct json *body, struct str document,
	const struct message_limits *limits, struct faults *faults, struct message_new *out)
{
	size_t before = faults->count;
	*out = (struct message_new){ 0 };
	if (!json_read_top(body, faults))
		return;
	id_read(body, faults, &out->id);
	type_read(body, faults, &out->type);
	body_read(body, limits->body_max_bytes, faults, &out->body);
	ciphertext_read(body, limits->ciphertext_max_bytes, faults, &out->ciphertext);
	json_read_object(body, document, "metadata", JSON_OPTIONAL, limits->metadata_max_bytes,
		faults, &out->metadata);
	reply_to_read(body, faults, &out->reply_to);
	attachments_read(arena, body, faults, out);
	if (faults->count == before &&
		content_check(out->type, out->body, out->ciphertext, out->nattachments > 0, faults))
		content_digest(arena, out);
}

void message_change_read(const struct json *body, struct str document,
	const struct message_limits *limits, struct faults *faults, struct message_change *out)
{
	size_t before = faults->count;
	*out = (struct message_change){ 0 };
	if (!json_read_top(body, faults))
		return;
	out->has_body = is_sent(body, "body");
	body_read(body, limits->body_max_bytes, faults, &out->body);
	out->has_ciphertext = is_sent(body, "ciphertext");
	ciphertext_read(body, limits->ciphertext_max_bytes, faults, &out->ciphertext);
	out->has_metadata = is_sent(body, "metadata");
	json_read_object(body, document, "metadata", JSON_OPTIONAL, limits->metadata_max_bytes,
		faults, &out->metadata);
	if (faults->count == before && !out->has_body && !out->has_ciphertext && !out->has_metadata)
		fault_add(faults, "body", "required",
			"A change names a body, ciphertext or metadata.");
}

bool message_change_apply(struct arena *arena, const struct message_change *change,
	struct faults *faults, struct message *message)
{
	struct message old = *message;
	if (change->has_body)
		message->body = change->body;
	if (change->has_ciphertext)
		message->ciphertext = change->ciphertext;
	if (change->has_metadata)
		message->metadata = change->metadata;
	if (!content_check(message->type, message->body, message->ciphertext,
		    message->attachments.ptr != NULL, faults))
		return false;
	return !str_equal(old.body, message->body) ||
	       !str_equal(old.ciphertext, message->ciphertext) ||
	       !metadata_equal(arena, old.metadata, message->metadata);
}

/* A value of extra; null is none. */
static bool extra_get(struct str extra, const char *key, char first, struct str *out)
{
	struct str raw;
	if (!json_raw(extra, key, &raw) || str_equal(raw, STR("null")))
		return true;
	if (raw.ptr[0] != first)
		return false;
	*out = first == '"' ? json_inside(raw) : raw;
	/* a list of emoji goes out word by word: nothing in it is escaped */
	return first != '"' || memchr(raw.ptr, '\\', raw.len) == NULL;
}

/* The next of words with a blank between; false at the end. */
static bool word_take(struct str *rest, struct str *word)
{
	if (rest->len == 0)
		return false;
	const char *blank = memchr(rest->ptr, ' ', rest->len);
	size_t len = blank != NULL ? (size_t)(blank - rest->ptr) : rest->len;
	size_t step = blank != NULL ? len + 1 : len;
	*word = (struct str){ rest->ptr, len };
	*rest = (struct str){ rest->ptr + step, rest->len - step };
	return true;
}

/* "👍 2 🎉 1": its counts go out as they are. */
static bool is_summary(struct str text)
{
	struct str emoji, count;
	long long number;
	while (word_take(&text, &emoji)) {
		if (!word_take(&text, &count) || !text_parse_int(count, 1, INT32_MAX, &number))
			return false;
	}
	return true;
}

enum err message_extra_read(struct str extra, struct message *out)
{
	if (extra.ptr == NULL)
		return OK;
	if (!extra_get(extra, "quoted", '{', &out->quoted) ||
		!extra_get(extra, "attachments", '[', &out->attachments) ||
		!extra_get(extra, "reactions", '"', &out->reactions) ||
		!extra_get(extra, "mine", '"', &out->mine) || !is_summary(out->reactions))
		return ERR_INVALID_INPUT;
	return OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

const char *message_status_name(enum message_status status)
{
	return status_names[status];
}

/* What a deletion takes away. */
static void content_write(struct buf *buf, const struct message *message)
{
	static const struct str none = { NULL, 0 };
	bool deleted = message->deleted_at_us != TIME_NONE;
	json_write_key(buf, "body");
	json_write_str(buf, deleted ? none : message->body);
	json_write_key(buf, "ciphertext");
	json_write_str(buf, deleted ? none : message->ciphertext);
	json_write_key(buf, "metadata");
	json_write_raw(buf, deleted ? STR("{}") : metadata_or_none(message->metadata));
}

static bool words_have(struct str words, struct str word)
{
	struct str other;
	while (word_take(&words, &other)) {
		if (str_equal(other, word))
			return true;
	}
	return false;
}

static void reactions_write(struct buf *buf, const struct message *message)
{
	struct str rest = message->reactions, emoji, count;
	json_write_array(buf);
	while (word_take(&rest, &emoji) && word_take(&rest, &count)) {
		json_write_object(buf);
		json_write_key(buf, "emoji");
		json_write_str(buf, emoji);
		json_write_key(buf, "count");
		json_write_raw(buf, count);
		json_write_key(buf, "mine");
		json_write_bool(buf, words_have(message->mine, emoji));
		json_write_object_end(buf);
	}
	json_write_array_end(buf);
}

/* What few messages have. */
static void extra_write(struct buf *buf, const struct message *message)
{
	bool deleted = message->deleted_at_us != TIME_NONE;
	json_write_key(buf, "quoted");
	json_write_raw(buf, deleted || message->quoted.ptr == NULL ? STR("null") : message->quoted);
	json_write_key(buf, "attachments");
	json_write_raw(buf,
		deleted || message->attachments.ptr == NULL ? STR("[]") : message->attachments);
	json_write_key(buf, "reactions");
	if (deleted)
		json_write_raw(buf, STR("[]"));
	else
		reactions_write(buf, message);
}

void message_write(struct buf *buf, const struct message *message)
{
	json_write_object(buf);
	json_write_key(buf, "id");
	json_write_uuid(buf, &message->id);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &message->conversation_id);
	json_write_key(buf, "seq");
	json_write_int(buf, message->seq);
	json_write_key(buf, "rev");
	json_write_int(buf, message->rev);
	json_write_key(buf, "sender_id");
	json_write_uuid(buf, &message->sender_id);
	json_write_key(buf, "type");
	json_write_str(buf, message->type);
	content_write(buf, message);
	json_write_key(buf, "reply_to");
	json_write_uuid(buf, &message->reply_to);
	extra_write(buf, message);
	json_write_key(buf, "created_at");
	json_write_time(buf, message->created_at_us);
	json_write_key(buf, "edited_at");
	json_write_time(buf, message->edited_at_us);
	json_write_key(buf, "deleted_at");
	json_write_time(buf, message->deleted_at_us);
	json_write_key(buf, "status");
	json_write_string(buf, message_status_name(message->status));
	json_write_object_end(buf);
}
