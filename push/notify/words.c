/* The index of messages by their words (words.h). Called by main.c. */
#include "push/notify/words.h"

#include "lib/time.h"
#include "sql/store/search.h"

enum {
	/* in a transaction: who edits a message of one of them waits for it */
	PARTS = 16,
	LOOK_US = 100000, /* no transaction begins later */
	REST_US = 20000,  /* for the others, while there is more */
	EACH_US = 2000000,
};

enum err words_look(struct db *db, struct arena *arena, int64_t *look_at_us)
{
	int64_t begin_us = time_mono_us(), now_us, filled;
	do {
		enum err err = db_search_fill(db, arena, PARTS, &filled);
		arena_reset(arena);
		if (err != OK)
			return err;
		now_us = time_mono_us();
	} while (filled > 0 && now_us < begin_us + LOOK_US);
	int64_t next_us = now_us + (filled > 0 ? REST_US : EACH_US);
	if (next_us < *look_at_us)
		*look_at_us = next_us;
	return OK;
}
