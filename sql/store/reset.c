/* Forgotten passwords in the database (sql/query/reset.sql). Called by rest/handler/reset.c and push/notify/reset.c. */
#include "sql/store/reset.h"

#include "sql/row.h"

enum err db_reset_request(struct db *db, struct arena *arena, struct str email)
{
	struct uuid id;

	uuid_new(&id);
	return db_run(db, arena, Q_RESET_REQUEST, NULL, P_UUID(&id), P_TEXT(email));
}

enum err db_reset_known(struct db *db, struct arena *arena, const uint8_t hash[SECRET_HASH_BYTES])
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_RESET_KNOWN, &rows, P_BYTES(hash, SECRET_HASH_BYTES));

	if (err != OK)
		return err;
	return rows_count(rows) == 0 ? ERR_UNAUTHORIZED : OK;
}

enum err db_reset_confirm(struct db *db, struct arena *arena, const uint8_t hash[SECRET_HASH_BYTES],
	struct str password_hash)
{
	static const char *const result_names[] = { "done" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_RESET_CONFIRM, &rows, P_BYTES(hash, SECRET_HASH_BYTES),
		P_TEXT(password_hash), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 1, &c);
	return row_bool(&c, 0, 0) ? OK : ERR_UNAUTHORIZED;
}

enum err db_reset_take(struct db *db, struct arena *arena, const uint8_t hash[SECRET_HASH_BYTES],
	int64_t ttl_s, int64_t lease_s, struct reset_job *out)
{
	static const char *const job_names[] = { "reset_id", "to_email", "attempts", "expired" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_RESET_TAKE, &rows, P_BYTES(hash, SECRET_HASH_BYTES),
		P_INT64(ttl_s), P_INT64(lease_s));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", job_names, 4, &c);
	*out = (struct reset_job){ row_uuid(&c, 0, 0), row_text(&c, 0, 1), row_int64(&c, 0, 2),
		row_bool(&c, 0, 3) };
	return OK;
}

enum err db_reset_next(struct db *db, struct arena *arena, int64_t *delay_ms)
{
	static const char *const result_names[] = { "delay_ms" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_RESET_NEXT, &rows);

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", result_names, 1, &c);
	*delay_ms = row_int64(&c, 0, 0);
	return OK;
}

enum err db_reset_sent(struct db *db, struct arena *arena, const struct uuid *id,
	const uint8_t hash[SECRET_HASH_BYTES])
{
	return db_run(db, arena, Q_RESET_SENT, NULL, P_UUID(id), P_BYTES(hash, SECRET_HASH_BYTES));
}

enum err db_reset_again(struct db *db, struct arena *arena, const struct uuid *id,
	const uint8_t hash[SECRET_HASH_BYTES], int64_t delay_ms)
{
	return db_run(db, arena, Q_RESET_AGAIN, NULL, P_UUID(id), P_BYTES(hash, SECRET_HASH_BYTES),
		P_INT64(delay_ms));
}

enum err db_reset_drop(struct db *db, struct arena *arena, const struct uuid *id)
{
	return db_run(db, arena, Q_RESET_DROP, NULL, P_UUID(id));
}

enum err db_reset_lapse(struct db *db, struct arena *arena, int64_t age_s, int64_t *count)
{
	static const char *const result_names[] = { "lapsed" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_RESET_LAPSE, &rows, P_INT64(age_s));

	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 1, &c);
	*count = row_int64(&c, 0, 0);
	return OK;
}
