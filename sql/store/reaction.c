/* Reactions in the database (sql/query/reaction.sql). Called by rest/handler/reaction.c. */
#include "sql/store/reaction.h"

#include "sql/outcome.h"

/* What the functions say, and what it is to a client. */
static const struct outcome outcomes[] = {
	{ "ok", OK, NULL },
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "blocked", ERR_BLOCKED, NULL },
	{ "deleted", ERR_CONFLICT, "The message has been deleted." },
	{ "own_full", ERR_CONFLICT, "You have reacted to this message with 8 others." },
	{ "full", ERR_CONFLICT, "This message has 32 different reactions." },
};

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
	return err == OK ? OUTCOME_READ(outcomes, rows, why) : err;
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
	return err == OK ? OUTCOME_READ(outcomes, rows, why) : err;
}
