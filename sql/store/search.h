/* Search in messages. */
#ifndef SQL_STORE_SEARCH_H
#define SQL_STORE_SEARCH_H

#include "lib/model/search.h"
#include "sql/cursor.h"
#include "sql/db.h"

/* What is looked for. */
struct search {
	struct str text;
	struct uuid conversation_id; /* nil: in all */
	struct uuid sender_id;	     /* nil: of anybody */
	struct message_cursor cursor;
	size_t limit;
};

/* Up to limit + 1 messages that the user may read and that fit, latest first; *out lives on the arena. None also where no word
 * is left to look for. ERR_NOT_FOUND: no such conversation for the user, or nobody; ERR_INVALID_INPUT: no word must be there, only be
 * missing (noted in faults). */
must_check enum err db_search_messages(struct db *db, struct arena *arena, const struct uuid *user,
	const struct search *search, struct faults *faults, struct search_hit **out, size_t *count);

/* Fills up to most parts of the index; *filled of them were due. */
must_check enum err db_search_fill(
	struct db *db, struct arena *arena, int64_t most, int64_t *filled);

#endif
