/*
 * Public keys of devices (device_key.h). Which scheme clients encrypt by is theirs to choose: a key is 32 bytes, or 33
 * with one in front that says what it is, and a signature 64. Nothing here computes with them.
 */
#include "lib/model/device_key.h"

#include "lib/json_write.h"

enum {
	SIGNATURE_BYTES = 64
};

/* --- reading ---------------------------------------------------------------------------------- */

/* How a field of an object is called from the document's top. */
static const char *field_of(struct arena *arena, const char *object, const char *key)
{
	return object ? arena_printf(arena, "%s.%s", object, key) : key;
}

/* What was noted of an object's own fields since before, by their names from the top. */
static void faults_place(
	struct arena *arena, struct faults *faults, size_t before, const char *object)
{
	for (size_t i = before; i < faults->count; i++)
		faults->items[i].field = field_of(arena, object, faults->items[i].field);
}

static void base64_read(const struct json *object, const char *key, size_t min_bytes,
	size_t max_bytes, const char *wanted, struct faults *faults, struct str *out)
{
	struct str base64;
	size_t bytes;
	if (!json_read_bytes(object, key, JSON_REQUIRED, 0, SIZE_MAX, faults, &base64))
		return;
	if (!text_is_base64(base64, &bytes) || bytes < min_bytes || bytes > max_bytes)
		fault_add(faults, key, "bad_format", wanted);
	else
		*out = base64;
}

static void key_read(
	const struct json *object, const char *key, struct faults *faults, struct str *out)
{
	base64_read(object, key, 32, 33, "It must be 32 or 33 bytes in base64 with padding.",
		faults, out);
}

/* What both kinds of pre-key have; object: how it is called from the top. */
static void prekey_read(struct arena *arena, const struct json *prekey, const char *object,
	bool is_signed, struct faults *faults, struct prekey *out)
{
	size_t before = faults->count;
	if (json_kind_of(prekey) != JSON_OBJECT) {
		fault_add(faults, object, "bad_type", "It must be an object.");
		return;
	}
	json_read_int(prekey, "key_id", JSON_REQUIRED, 0, INT32_MAX, faults, &out->key_id);
	key_read(prekey, "public_key", faults, &out->public_key);
	if (is_signed)
		base64_read(prekey, "signature", SIGNATURE_BYTES, SIGNATURE_BYTES,
			"It must be 64 bytes in base64 with padding.", faults, &out->signature);
	faults_place(arena, faults, before, object);
}

static void signed_prekey_read(
	struct arena *arena, const struct json *body, struct faults *faults, struct prekey *out)
{
	static const char field[] = "signed_prekey";
	const struct json *prekey = json_get(body, field);
	if (prekey == NULL)
		fault_add(faults, field, "required", "It is required.");
	else
		prekey_read(arena, prekey, field, true, faults, out);
}

static bool has_id(const struct prekey *list, size_t count, int64_t key_id)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].key_id == key_id)
			return true;
	}
	return false;
}

static void prekey_write(struct buf *buf, const struct prekey *prekey)
{
	json_write_object(buf);
	json_write_key(buf, "key_id");
	json_write_int(buf, prekey->key_id);
	json_write_key(buf, "public_key");
	json_write_str(buf, prekey->public_key);
	if (prekey->signature.ptr != NULL) {
		json_write_key(buf, "signature");
		json_write_str(buf, prekey->signature);
	}
	json_write_object_end(buf);
}

/* The list in its one spelling, which the database reads. */
static struct str prekeys_text(struct arena *arena, const struct prekey *list, size_t count)
{
	struct buf buf = { 0 };
	json_write_array(&buf);
	for (size_t i = 0; i < count; i++)
		prekey_write(&buf, &list[i]);
	json_write_array_end(&buf);
	struct str text = { arena_strndup(arena, buf.data, buf.len), buf.len };
	buf_free(&buf);
	return text;
}

static void one_time_read(
	struct arena *arena, const struct json *body, struct faults *faults, struct str *out)
{
	static const char field[] = "one_time_prekeys";
	struct prekey list[PREKEYS_AT_ONCE_MAX] = { 0 };
	const struct json *prekeys = NULL;
	size_t before = faults->count;
	json_read_array(body, field, JSON_OPTIONAL, PREKEYS_AT_ONCE_MAX, faults, &prekeys);
	size_t count = json_length(prekeys);
	for (size_t i = 0; i < count && faults->count < FAULTS_MAX; i++) {
		const char *object = arena_printf(arena, "%s[%zu]", field, i);
		size_t bad = faults->count;
		prekey_read(arena, json_at(prekeys, i), object, false, faults, &list[i]);
		if (faults->count == bad && has_id(list, i, list[i].key_id))
			fault_add(faults, field_of(arena, object, "key_id"), "duplicate",
				"It is there twice.");
	}
	if (faults->count == before)
		*out = prekeys_text(arena, list, count);
}

void device_key_new_read(struct arena *arena, const struct json *body, struct faults *faults,
	struct device_key_new *out)
{
	*out = (struct device_key_new){ 0 };
	if (!json_read_top(body, faults))
		return;
	key_read(body, "identity_key", faults, &out->identity_key);
	signed_prekey_read(arena, body, faults, &out->signed_prekey);
	one_time_read(arena, body, faults, &out->one_time_prekeys);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_begin(struct buf *buf, const struct device_key *key)
{
	json_write_object(buf);
	json_write_key(buf, "device_id");
	json_write_uuid(buf, &key->device_id);
	json_write_key(buf, "identity_key");
	json_write_str(buf, key->identity_key);
	json_write_key(buf, "signed_prekey");
	prekey_write(buf, &key->signed_prekey);
}

void device_key_write(struct buf *buf, const struct device_key *key)
{
	write_begin(buf, key);
	json_write_key(buf, "one_time_prekey");
	if (key->one_time_prekey.public_key.ptr != NULL)
		prekey_write(buf, &key->one_time_prekey);
	else
		json_write_null(buf);
	json_write_object_end(buf);
}

static void left_write(struct buf *buf, int64_t one_time_left)
{
	json_write_key(buf, "one_time_prekeys");
	json_write_int(buf, one_time_left);
	json_write_object_end(buf);
}

void device_key_write_own(struct buf *buf, const struct device_key *key)
{
	write_begin(buf, key);
	left_write(buf, key->one_time_left);
}

void device_key_write_left(struct buf *buf, int64_t one_time_left)
{
	json_write_object(buf);
	left_write(buf, one_time_left);
}
