/* Blocks in the database (sql/query/block.sql). Called by rest/handler/block.c and push/gate.c. */
#include "sql/store/block.h"

#include "sql/store/user.h"

enum err db_block_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct relation **out, size_t *count)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_BLOCK_LIST, &rows, P_UUID(user),
		P_INT64((int64_t)limit + 1), P_TIME(cursor->at_us), P_UUID(&cursor->id));

	if (err == OK)
		read_relations(arena, rows, out, count);
	return err;
}

enum err db_block_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *other, int64_t max, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_BLOCK_PUT, &rows, P_UUID(user), P_UUID(other), P_INT64(max),
		P_UUID(&event_id));
	return err == OK ? relation_outcome(rows, why) : err;
}

enum err db_block_remove(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *other)
{
	struct uuid event_id;

	uuid_new(&event_id);
	return db_run(
		db, arena, Q_BLOCK_REMOVE, NULL, P_UUID(user), P_UUID(other), P_UUID(&event_id));
}

struct call block_page_call(const struct uuid after[2], size_t max)
{
	return CALL(Q_BLOCK_PAGE, P_UUID(&after[0]), P_UUID(&after[1]), P_INT64((int64_t)max));
}

void block_page_answer(const struct rows *rows, struct uuid *out, size_t max, size_t *count)
{
	static const char *const names[] = { "user_id", "blocked_id" };
	struct columns c;

	columns_find(rows, "", names, 2, &c);
	*count = rows_count(rows) < max ? rows_count(rows) : max;
	for (size_t i = 0; i < *count; i++) {
		out[2 * i] = row_uuid(&c, i, 0);
		out[2 * i + 1] = row_uuid(&c, i, 1);
	}
}
