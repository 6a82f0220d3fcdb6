/*
 * People of identity providers in the database (sql/query/identity.sql). Called by rest/identity.c,
 * rest/handler/webhook.c, push/, and by parley-notify for the keys.
 */
#include "sql/store/identity.h"

#include "lib/json_write.h"
#include "sql/row.h"

struct call identity_seen_call(const struct identity *identity)
{
	return CALL(Q_IDENTITY_SEEN, P_UUID(&identity->user_id), P_TEXT(identity->issuer),
		P_TEXT(identity->subject), P_UUID(&identity->session_id),
		P_UUID(&identity->device_id), P_TIME(identity->expires_at_us),
		P_TEXT(identity->handle), P_TEXT(identity->display_name), P_TEXT(identity->email),
		P_TEXT(identity->avatar_url));
}

enum err db_identity_seen(struct db *db, struct arena *arena, const struct identity *identity)
{
	struct call call = identity_seen_call(identity);

	return db_call(db, arena, &call, NULL);
}

enum err db_identity_told(struct db *db, struct arena *arena, struct str webhook_id,
	const struct identity *identity, int64_t told_at_us, struct str *outcome)
{
	static const char *const names[] = { "outcome" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_IDENTITY_TOLD, &rows, P_TEXT(webhook_id),
		P_UUID(&identity->user_id), P_TEXT(identity->issuer), P_TEXT(identity->subject),
		P_TIME(told_at_us), P_TEXT(identity->handle), P_TEXT(identity->display_name),
		P_TEXT(identity->email), P_TEXT(identity->avatar_url));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*outcome = row_text(&c, 0, 0);
	return OK;
}

enum err db_identity_bury(struct db *db, struct arena *arena, const struct identity *identity)
{
	return db_run(db, arena, Q_IDENTITY_BURY, NULL, P_UUID(&identity->user_id),
		P_TEXT(identity->issuer));
}

enum err db_webhook_seen(struct db *db, struct arena *arena, struct str webhook_id, bool *seen)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_WEBHOOK_SEEN, &rows, P_TEXT(webhook_id));

	if (err == OK)
		*seen = rows_count(rows) > 0;
	return err;
}

/* A statement whose one row has one truth. */
static enum err truth_read(const struct rows *rows, const char *name, bool *out)
{
	const char *const names[] = { name };
	struct columns c;

	columns_find(rows, "", names, 1, &c);
	*out = row_bool(&c, 0, 0);
	return OK;
}

enum err db_webhook_receive(struct db *db, struct arena *arena, struct str webhook_id, bool *is_new)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_WEBHOOK_RECEIVE, &rows, P_TEXT(webhook_id));

	return err == OK ? truth_read(rows, "is_new", is_new) : err;
}

struct call identity_keys_call(void)
{
	return (struct call){ .query = Q_IDENTITY_KEYS };
}

void identity_keys_answer(
	const struct rows *rows, struct arena *arena, struct identity_key **out, size_t *count)
{
	static const char *const names[] = { "issuer", "kid", "jwk" };
	struct identity_key *keys = arena_calloc(arena, rows_count(rows), sizeof(*keys));
	struct columns c;

	columns_find(rows, "", names, 3, &c);
	for (size_t i = 0; i < rows_count(rows); i++) {
		keys[i] = (struct identity_key){ row_text(&c, i, 0), row_text(&c, i, 1),
			row_text(&c, i, 2) };
	}
	*out = keys;
	*count = rows_count(rows);
}

enum err db_identity_keys(
	struct db *db, struct arena *arena, struct identity_key **out, size_t *count)
{
	struct call call = identity_keys_call();
	struct rows *rows;
	enum err err = db_call(db, arena, &call, &rows);

	if (err == OK)
		identity_keys_answer(rows, arena, out, count);
	return err;
}

enum err db_identity_keys_put(struct db *db, struct arena *arena, struct str issuer,
	const struct jwk_entry *keys, size_t count, bool *changed)
{
	struct buf list = { 0 };
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	json_write_array(&list);
	for (size_t i = 0; i < count; i++)
		json_write_raw(&list, str_of(keys[i].text));
	json_write_array_end(&list);
	uuid_new(&event_id);
	err = db_run(db, arena, Q_IDENTITY_KEYS_PUT, &rows, P_TEXT(issuer),
		P_TEXT(((struct str){ list.data, list.len })), P_UUID(&event_id));
	buf_free(&list);
	return err == OK ? truth_read(rows, "changed", changed) : err;
}

struct call identity_want_call(struct str issuer)
{
	return CALL(Q_IDENTITY_WANT, P_TEXT(issuer));
}

enum err db_identity_want(struct db *db, struct arena *arena, struct str issuer)
{
	struct call call = identity_want_call(issuer);

	return db_call(db, arena, &call, NULL);
}

enum err db_identity_wanted(struct db *db, struct arena *arena, struct str **issuers, size_t *count)
{
	static const char *const names[] = { "issuer" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_IDENTITY_WANTED, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*count = rows_count(rows);
	*issuers = arena_calloc(arena, *count, sizeof(**issuers));
	for (size_t i = 0; i < *count; i++)
		(*issuers)[i] = row_text(&c, i, 0);
	return OK;
}

enum err db_identity_take(struct db *db, struct arena *arena, struct str issuer)
{
	return db_run(db, arena, Q_IDENTITY_TAKE, NULL, P_TEXT(issuer));
}
