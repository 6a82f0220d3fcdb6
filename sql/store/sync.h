/* Catching up, from the database. */
#ifndef SQL_STORE_SYNC_H
#define SQL_STORE_SYNC_H

#include "lib/model/sync.h"
#include "sql/db.h"

/* What is asked for. */
struct sync_ask {
	const struct sync_cursor *since; /* NULL: everything, from the beginning */
	int64_t now_s;
	int64_t ttl_s; /* older cursors are refused */
	size_t limit;  /* items on a page, of all lists together; at least 1 */
};

/* One page for the user, in the transaction that is open, which has to see one snapshot. *out lives on the arena. */
must_check enum err db_sync(struct db *db, struct arena *arena, const struct uuid *user,
	const struct sync_ask *ask, struct sync *out);

#endif
