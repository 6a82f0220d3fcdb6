/* Reactions in the database (sql/query/reaction.sql). Called by rest/handler/reaction.c. */
#include "sql/store/reaction.h"

#include "lib/log.h"
#include "sql/row.h"

/* What the functions say, and what it is to a client. */
static const struct {
	const char *outcome;
	enum err err;
	const char *why;
} outcomes[] = {
	{ "ok", OK, NULL },
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "blocked", ERR_BLOCKED, NULL },
	{ "deleted", ERR_CONFLICT, "The message has been deleted." },
	{ "own_full", ERR_CONFLICT, "You have reacted to this message with 8 others." },
	{ "full", ERR_CONFLICT, "This message has 32 different reactions." },
};

static enum err read_outcome(const struct rows *rows, const char **why)
{
	static const char *const names[] = { "outcome" };
	struct columns c;
	struct str outcome;

	columns_find(rows, "", names, 1, &c);
	outcome = row_text(&c, 0, 0);
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (!str_equal(outcome, str_of(outcomes[i].outcome)))
			continue;
		if (outcomes[i].why)
			*why = outcomes[i].why;
		return outcomes[i].err;
	}
	log_error("a function has an outcome that its store does not know");
	return ERR_INTERNAL;
}

enum err db_reaction_put(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *message, struct str emoji, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_REACTION_PUT, &rows, P_UUID(conversation), P_UUID(user),
		P_UUID(message), P_TEXT(emoji), P_INT64(REACTION_OWN_MAX),
		P_INT64(REACTION_EMOJIS_MAX), P_UUID(&event_id));
	return err == OK ? read_outcome(rows, why) : err;
}

enum err db_reaction_remove(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *message, struct str emoji, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_REACTION_REMOVE, &rows, P_UUID(conversation), P_UUID(user),
		P_UUID(message), P_TEXT(emoji), P_UUID(&event_id));
	return err == OK ? read_outcome(rows, why) : err;
}
