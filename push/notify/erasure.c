/* Erased accounts' messages, and deleted groups (erasure.h). Called by main.c. */
#include "push/notify/erasure.h"

#include "sql/store/conversation.h"
#include "sql/store/erasure.h"

enum {
	/* a conversation is locked for so many deletions at most: some tens of milliseconds */
	DELETED_AT_ONCE = 100,
	LOOKED_AT_ONCE = 5000,
	/* nobody waits for a group that is gone */
	PURGED_AT_ONCE = 1000,
	STEPS_MAX = 20 /* in one look: signals and mails want to be seen */
};

static enum err account_step(
	struct db *db, struct arena *arena, const struct conf *conf, bool *done)
{
	(void)conf;
	return db_erasure_step(db, arena, DELETED_AT_ONCE, LOOKED_AT_ONCE, done);
}

static enum err group_step(struct db *db, struct arena *arena, const struct conf *conf, bool *done)
{
	return db_conversation_purge(db, arena, PURGED_AT_ONCE, conf->sync_cursor_ttl_s, done);
}

static enum err (*const steps[])(
	struct db *db, struct arena *arena, const struct conf *conf, bool *done) = {
	account_step,
	group_step,
};

enum err erasures_look(struct db *db, struct arena *arena, const struct conf *conf, int64_t now_us,
	int64_t *look_at_us)
{
	enum err err = OK;
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		bool done = true;
		for (int i = 0; i < STEPS_MAX && err == OK && done; i++) {
			err = steps[s](db, arena, conf, &done);
			arena_reset(arena);
		}
		if (err == OK && done)
			*look_at_us = now_us;
	}
	return err;
}
