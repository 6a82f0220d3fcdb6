/* What is taken away of itself (sweep.h). Called by push/notify/sweep.c. */
#include "sql/store/sweep.h"

#include <string.h>

#include "sql/row.h"

enum err db_sweep_attachments(struct db *db, struct arena *arena, int64_t age_s, int64_t page,
	struct sweep_place *place, int64_t *swept)
{
	static const char *const names[] = { "swept", "last_at", "last_id" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SWEEP_ATTACHMENTS, &rows, P_INT64(age_s),
		P_TIME(place->at_us), P_UUID(&place->id), P_INT64(page));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, 3, &c);
	*swept = row_int64(&c, 0, 0);
	*place = (struct sweep_place){ row_time(&c, 0, 1), row_uuid(&c, 0, 2) };
	return OK;
}

enum err db_sweep_content_take(struct db *db, struct arena *arena, uint8_t sha256[BLOB_HASH_BYTES])
{
	static const char *const names[] = { "sha256" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SWEEP_CONTENT_TAKE, &rows);

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, 1, &c);
	struct str bytes = row_text(&c, 0, 0);
	if (bytes.len != BLOB_HASH_BYTES)
		return ERR_INTERNAL;
	memcpy(sha256, bytes.ptr, BLOB_HASH_BYTES);
	return OK;
}

enum err db_sweep_content_named(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES], bool *named)
{
	static const char *const names[] = { "named" };
	struct columns c;
	struct rows *rows;
	enum err err =
		db_run(db, arena, Q_SWEEP_CONTENT_NAMED, &rows, P_BYTES(sha256, BLOB_HASH_BYTES));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*named = row_bool(&c, 0, 0);
	return OK;
}

enum err db_sweep_content_gone(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES])
{
	return db_run(db, arena, Q_SWEEP_CONTENT_GONE, NULL, P_BYTES(sha256, BLOB_HASH_BYTES));
}

enum err db_sweep_content_later(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES], int64_t delay_s)
{
	return db_run(db, arena, Q_SWEEP_CONTENT_LATER, NULL, P_BYTES(sha256, BLOB_HASH_BYTES),
		P_INT64(delay_s));
}

enum err db_sweep_receipts(
	struct db *db, struct arena *arena, int64_t age_s, int64_t page, int64_t *swept)
{
	static const char *const names[] = { "swept" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SWEEP_RECEIPTS, &rows, P_INT64(age_s), P_INT64(page));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*swept = row_int64(&c, 0, 0);
	return OK;
}
