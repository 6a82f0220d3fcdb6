/* Address books in the database (sql/query/contact.sql). Called by rest/handler/contact.c. */
#include "sql/store/contact.h"

#include "sql/store/user.h"

enum err db_contact_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct relation **out, size_t *count)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_CONTACT_LIST, &rows, P_UUID(user),
		P_INT64((int64_t)limit + 1), P_TIME(cursor->at_us), P_UUID(&cursor->id));

	if (err == OK)
		read_relations(arena, rows, out, count);
	return err;
}

enum err db_contact_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *other, int64_t max, const char **why)
{
	struct rows *rows;
	enum err err =
		db_run(db, arena, Q_CONTACT_PUT, &rows, P_UUID(user), P_UUID(other), P_INT64(max));

	return err == OK ? relation_outcome(rows, why) : err;
}

enum err db_contact_remove(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *other)
{
	return db_run(db, arena, Q_CONTACT_REMOVE, NULL, P_UUID(user), P_UUID(other));
}
