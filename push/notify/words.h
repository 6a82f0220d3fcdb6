/* The index of messages by their words (sql/function/search.sql): filled here, behind the sends. */
#ifndef PUSH_NOTIFY_WORDS_H
#define PUSH_NOTIFY_WORDS_H

#include "lib/arena.h"
#include "sql/db.h"

/* Fills what is due, for a tenth of a second or so; lowers *look_at_us to when there is to be looked again. The arena is
 * reset. ERR_UNAVAILABLE: the database is away. */
must_check enum err words_look(struct db *db, struct arena *arena, int64_t *look_at_us);

#endif
