/* Erased accounts' messages (erasure.h). Called by main.c. */
#include "push/notify/erasure.h"

#include "sql/store/erasure.h"

enum {
	/* a conversation is locked for so many deletions at most: some tens of milliseconds */
	DELETED_AT_ONCE = 100,
	LOOKED_AT_ONCE = 5000,
	STEPS_MAX = 20 /* in one look: signals and mails want to be seen */
};

enum err erasures_look(struct db *db, struct arena *arena, int64_t now_us, int64_t *look_at_us)
{
	bool done = true;
	enum err err = OK;
	for (int i = 0; i < STEPS_MAX && err == OK && done; i++) {
		err = db_erasure_step(db, arena, DELETED_AT_ONCE, LOOKED_AT_ONCE, &done);
		arena_reset(arena);
	}
	if (err == OK && done)
		*look_at_us = now_us;
	return err;
}
