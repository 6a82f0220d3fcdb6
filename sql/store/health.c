/* Is the database there? For GET /health. */
#include "sql/store/health.h"

#include "sql/row.h"

enum err db_health_check(struct db *db, struct arena *arena)
{
	static const char *const names[] = { "writable" };
	struct columns columns;
	struct rows *rows;
	enum err err = db_run_params(db, arena, Q_HEALTH_CHECK, &rows, 0, NULL);

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &columns);
	return row_bool(&columns, 0, 0) ? OK : ERR_UNAVAILABLE;
}
