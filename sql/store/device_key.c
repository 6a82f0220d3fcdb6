/* Public keys of devices in the database (sql/query/device_key.sql). Called by rest/handler/device_key.c. */
#include "sql/store/device_key.h"

#include "sql/outcome.h"
#include "sql/row.h"

enum {
	DEVICE_ID,
	IDENTITY_KEY,
	SIGNED_ID,
	SIGNED_PUBLIC_KEY,
	SIGNED_SIGNATURE,
	DEVICE_KEY__MAX
};

static const char *const names[DEVICE_KEY__MAX] = {
	[DEVICE_ID] = "device_id",
	[IDENTITY_KEY] = "identity_key",
	[SIGNED_ID] = "signed_id",
	[SIGNED_PUBLIC_KEY] = "signed_public_key",
	[SIGNED_SIGNATURE] = "signed_signature",
};

/* Without what is told of one-time pre-keys. */
static struct device_key read_device_key(const struct columns *c, size_t row)
{
	return (struct device_key){
		.device_id = row_uuid(c, row, DEVICE_ID),
		.identity_key = row_text(c, row, IDENTITY_KEY),
		.signed_prekey = {
			.key_id = row_int64(c, row, SIGNED_ID),
			.public_key = row_text(c, row, SIGNED_PUBLIC_KEY),
			.signature = row_text(c, row, SIGNED_SIGNATURE),
		},
	};
}

/* What device_key_put says, and what it is to a client. */
static const struct outcome outcomes[] = {
	{ "ok", OK, NULL },
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "forbidden", ERR_FORBIDDEN, "A device sets its own keys, and no other's." },
	{ "id_reused", ERR_ID_REUSED, "A key_id is of another key already." },
	{ "full", ERR_CONFLICT, "The device has as many one-time pre-keys as it may have." },
	{ "crowded", ERR_CONFLICT, "As many of your devices have keys as may have." },
};

enum err db_device_key_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *session, const struct uuid *device, const struct device_key_new *new,
	int64_t *left, const char **why)
{
	static const char *const put_names[] = { "outcome", "one_time_left" };
	const struct prekey *prekey = &new->signed_prekey;
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DEVICE_KEY_PUT, &rows, P_UUID(user), P_UUID(session),
		P_UUID(device), P_TEXT(new->identity_key), P_INT64(prekey->key_id),
		P_TEXT(prekey->public_key), P_TEXT(prekey->signature),
		P_TEXT(new->one_time_prekeys), P_INT64(PREKEYS_MAX), P_INT64(KEYED_DEVICES_MAX));

	if (err != OK)
		return err;
	columns_find(rows, "", put_names, 2, &c);
	err = OUTCOME_FIND(outcomes, row_text(&c, 0, 0), why);
	if (err == OK)
		*left = row_int64(&c, 0, 1);
	return err;
}

enum err db_device_key_own(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *device, struct device_key *out)
{
	static const char *const left_names[] = { "one_time_left" };
	struct columns c, left;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DEVICE_KEY_OWN, &rows, P_UUID(user), P_UUID(device));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, DEVICE_KEY__MAX, &c);
	columns_find(rows, "", left_names, 1, &left);
	*out = read_device_key(&c, 0);
	out->one_time_left = row_int64(&left, 0, 0);
	return OK;
}

enum err db_device_key_take(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *asker, const struct uuid *session, enum prekey_use use,
	struct device_key **out, size_t *count)
{
	static const char *const more_names[] = { "blocked", "key_id", "public_key" };
	struct columns c, more;
	struct rows *rows;
	struct device_key *list;
	size_t found;
	enum err err = db_run(db, arena, Q_DEVICE_KEY_TAKE, &rows, P_UUID(user), P_UUID(asker),
		P_UUID(session), P_BOOL(use != PREKEY_LEAVE), P_BOOL(use == PREKEY_TAKE),
		P_INT64(KEYED_DEVICES_MAX));

	if (err != OK)
		return err;
	found = rows_count(rows);
	if (found == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, DEVICE_KEY__MAX, &c);
	columns_find(rows, "", more_names, 3, &more);
	if (row_bool(&more, 0, 0))
		return ERR_BLOCKED;
	if (row_is_null(&c, 0, DEVICE_ID))
		found = 0;
	list = arena_calloc(arena, found + 1, sizeof(*list));
	for (size_t i = 0; i < found; i++) {
		list[i] = read_device_key(&c, i);
		list[i].one_time_prekey.key_id = row_int64(&more, i, 1);
		list[i].one_time_prekey.public_key = row_text(&more, i, 2);
	}
	*out = list;
	*count = found;
	return OK;
}
