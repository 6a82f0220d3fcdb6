/*
 * Sign-ins in the database (sql/query/session.sql). Called by rest/handler/{auth,session}.c, push/gate.c and
 * push/resync.c.
 */
#include "sql/store/session.h"

#include "sql/row.h"

enum {
	ID,
	CREATED_AT,
	LAST_USED_AT,
	DEVICE_ID,
	DEVICE_NAME,
	DEVICE_PLATFORM,
	SESSION__MAX
};

static const char *const names[SESSION__MAX] = {
	[ID] = "id",
	[CREATED_AT] = "created_at",
	[LAST_USED_AT] = "last_used_at",
	[DEVICE_ID] = "device_id",
	[DEVICE_NAME] = "device_name",
	[DEVICE_PLATFORM] = "device_platform",
};

static struct session read_session(const struct columns *c, size_t row)
{
	return (struct session){
		.id = row_uuid(c, row, ID),
		.device = {
			.id = row_uuid(c, row, DEVICE_ID),
			.name = row_text(c, row, DEVICE_NAME),
			.platform = row_text(c, row, DEVICE_PLATFORM),
		},
		.created_at_us = row_time(c, row, CREATED_AT),
		.last_used_at_us = row_time(c, row, LAST_USED_AT),
	};
}

/* A page of ids, in the column of this name. */
static void ids_answer(
	const struct rows *rows, const char *name, struct uuid *out, size_t max, size_t *count)
{
	const char *const id_names[] = { name };
	struct columns c;

	columns_find(rows, "", id_names, 1, &c);
	*count = rows_count(rows) < max ? rows_count(rows) : max;
	for (size_t i = 0; i < *count; i++)
		out[i] = row_uuid(&c, i, 0);
}

enum err db_session_create(struct db *db, struct arena *arena, const struct session_new *session,
	int64_t password_changed_at_us)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SESSION_CREATE, &rows, P_UUID(&session->user_id),
		P_UUID(&session->device.id), P_TEXT(session->device.name),
		P_TEXT(session->device.platform), P_UUID(&session->id),
		P_BYTES(session->refresh.family, REFRESH_HASH_BYTES),
		P_BYTES(session->refresh.whole, REFRESH_HASH_BYTES),
		P_INT64(session->refresh_ttl_s), P_TIME(password_changed_at_us));

	if (err != OK)
		return err;
	return rows_count(rows) == 0 ? ERR_UNAUTHORIZED : OK;
}

enum err db_session_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct session **out, size_t *count)
{
	struct columns c;
	struct rows *rows;
	struct session *list;
	enum err err = db_run(db, arena, Q_SESSION_LIST, &rows, P_UUID(user),
		P_INT64((int64_t)limit + 1), P_TIME(cursor->at_us), P_UUID(&cursor->id));

	if (err != OK)
		return err;
	columns_find(rows, "", names, SESSION__MAX, &c);
	list = arena_calloc(arena, rows_count(rows), sizeof(*list));
	for (size_t i = 0; i < rows_count(rows); i++)
		list[i] = read_session(&c, i);
	*out = list;
	*count = rows_count(rows);
	return OK;
}

enum err db_session_end(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *session)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(
		db, arena, Q_SESSION_END, &rows, P_UUID(user), P_UUID(session), P_UUID(&event_id));
	if (err != OK)
		return err;
	return rows_count(rows) == 0 ? ERR_NOT_FOUND : OK;
}

struct call session_revoked_call(int64_t window_s, const struct uuid *after, size_t max)
{
	return CALL(Q_SESSION_REVOKED, P_INT64(window_s), P_UUID(after), P_INT64((int64_t)max));
}

void session_revoked_answer(
	const struct rows *rows, struct uuid *out, size_t max, size_t *count, int64_t *until_us)
{
	static const char *const until_names[] = { "until_at" };
	struct columns c;

	ids_answer(rows, "id", out, max, count);
	columns_find(rows, "", until_names, 1, &c);
	*until_us = TIME_NONE;
	for (size_t i = 0; i < *count; i++) {
		if (row_time(&c, i, 0) > *until_us)
			*until_us = row_time(&c, i, 0);
	}
}

struct call session_people_call(int64_t token_ttl_s, const struct uuid *after, size_t max)
{
	return CALL(Q_SESSION_PEOPLE, P_INT64(token_ttl_s), P_UUID(after), P_INT64((int64_t)max));
}

void session_people_answer(const struct rows *rows, struct uuid *out, size_t max, size_t *count)
{
	ids_answer(rows, "user_id", out, max, count);
}

struct call session_people_count_call(int64_t token_ttl_s, size_t max)
{
	return CALL(Q_SESSION_PEOPLE_COUNT, P_INT64(token_ttl_s), P_INT64((int64_t)max));
}

size_t session_people_count_answer(const struct rows *rows)
{
	static const char *const count_names[] = { "people" };
	struct columns c;

	columns_find(rows, "", count_names, 1, &c);
	return (size_t)row_int64(&c, 0, 0);
}
