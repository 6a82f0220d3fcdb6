/* Members in the database. */
#ifndef SQL_STORE_MEMBER_H
#define SQL_STORE_MEMBER_H

#include "lib/id.h"
#include "lib/text.h"
#include "sql/db.h"
#include "sql/rows.h"

/*
 * Makes the user a member, or gives it another role (ptr NULL: the one it has, or member), and
 * tells the members; said: with a system message as well. OK also when it was so before. ERR_NOT_FOUND: no such conversation for the
 * caller, or no such user; ERR_FORBIDDEN; ERR_GROUP_FULL: it has members_max; ERR_CONFLICT: *why (a
 * literal for people) says which state forbids it.
 */
must_check enum err db_member_put(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *caller, const struct uuid *user,
	struct str role, int64_t members_max, bool said, const char **why);

/* Puts the user out, or lets the caller leave. As db_member_put. */
must_check enum err db_member_remove(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *caller, const struct uuid *user,
	bool said, const char **why);

/* What the outcome of a function that asks for rights in a group comes to, of the only row, for the stores; *why as above. */
must_check enum err member_outcome(const struct rows *rows, const char **why);

#endif
