/* Reactions in the database. */
#ifndef SQL_STORE_REACTION_H
#define SQL_STORE_REACTION_H

#include "sql/db.h"

/* Of a message. */
enum {
	REACTION_OWN_MAX = 8,	  /* one person's */
	REACTION_EMOJIS_MAX = 32, /* different ones of all */
};

/* The user reacts to the message with an emoji in its one spelling, and the members are told. OK also when it had, and then nobody
 * is. ERR_NOT_FOUND: no such message for the user; ERR_BLOCKED: the conversation is direct, and one of the two has blocked the
 * other; ERR_CONFLICT: *why (a literal for people) says which state forbids it. */
must_check enum err db_reaction_put(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *message,
	struct str emoji, const char **why);

/* And takes it back. OK also when there was none; ERR_NOT_FOUND. */
must_check enum err db_reaction_remove(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *message,
	struct str emoji, const char **why);

#endif
