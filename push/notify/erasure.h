/* Deletes the messages of erased accounts (sql/function/erasure.sql), and deleted groups (conversation_purge), in steps, each a
 * transaction of its own. */
#ifndef PUSH_NOTIFY_ERASURE_H
#define PUSH_NOTIFY_ERASURE_H

#include "lib/arena.h"
#include "lib/conf.h"
#include "sql/db.h"

/* Does some of what there is to do; lowers *look_at_us when there is more. The arena is reset. ERR_UNAVAILABLE: the database is away. */
must_check enum err erasures_look(struct db *db, struct arena *arena, const struct conf *conf,
	int64_t now_us, int64_t *look_at_us);

#endif
