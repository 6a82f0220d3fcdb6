/* Deletes the messages of erased accounts, in steps, each a transaction of its own (sql/function/erasure.sql). */
#ifndef PUSH_NOTIFY_ERASURE_H
#define PUSH_NOTIFY_ERASURE_H

#include "lib/arena.h"
#include "sql/db.h"

/* Does some of what there is to do; lowers *look_at_us when there is more. The arena is reset. ERR_UNAVAILABLE: the database is away. */
must_check enum err erasures_look(
	struct db *db, struct arena *arena, int64_t now_us, int64_t *look_at_us);

#endif
