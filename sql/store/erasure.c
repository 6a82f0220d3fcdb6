/* Messages of erased accounts in the database (sql/query/erasure.sql). Called by push/notify/erasure.c. */
#include "sql/store/erasure.h"

#include "sql/row.h"

enum err db_erasure_step(
	struct db *db, struct arena *arena, int64_t max, int64_t looked_max, bool *done)
{
	static const char *const names[] = { "done" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_ERASURE_STEP, &rows, P_INT64(max), P_INT64(looked_max));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*done = row_bool(&c, 0, 0);
	return OK;
}
