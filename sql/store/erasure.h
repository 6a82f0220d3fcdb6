/* Messages of erased accounts in the database. */
#ifndef SQL_STORE_ERASURE_H
#define SQL_STORE_ERASURE_H

#include "sql/db.h"

/* One step: deletes at most max of them, of at most looked_max messages that it looks at. *done: false when there was nothing to do. */
must_check enum err db_erasure_step(
	struct db *db, struct arena *arena, int64_t max, int64_t looked_max, bool *done);

#endif
