/* Conversations in the database. */
#ifndef SQL_STORE_CONVERSATION_H
#define SQL_STORE_CONVERSATION_H

#include "lib/model/conversation.h"
#include "sql/cursor.h"
#include "sql/db.h"
#include "sql/row.h"

/*
 * Opens a conversation, or finds the one that is there (*created false). ERR_INVALID_INPUT: a
 * member is unknown (noted in faults); ERR_CONFLICT: the external_ref belongs to one that the
 * caller is not in; ERR_BLOCKED: it would be direct, and one of the two has blocked the other.
 */
must_check enum err db_conversation_create(struct db *db, struct arena *arena,
	const struct uuid *caller, const struct conversation_new *new, struct faults *faults,
	struct uuid *id, bool *created);

/* Changes what was sent and tells the members, said: with a system message as well; OK also when it was so before.
 * ERR_NOT_FOUND: no such conversation for the caller; ERR_FORBIDDEN; ERR_CONFLICT: it is direct (*why, a literal, says so). */
must_check enum err db_conversation_update(struct db *db, struct arena *arena,
	const struct uuid *id, const struct uuid *caller, const struct conversation_change *change,
	bool said, const char **why);

/* Deletes a group and tells its members; its content goes afterwards (db_conversation_purge). OK also for who has done so before.
 * ERR_NOT_FOUND: no such conversation for the caller; ERR_FORBIDDEN; ERR_CONFLICT: as above. */
must_check enum err db_conversation_delete(struct db *db, struct arena *arena,
	const struct uuid *id, const struct uuid *caller, const char **why);

/* One step of what is left of deleted groups: at most max messages of one; kept_s after its deletion, that there was one. *done:
 * false when there was nothing to do. */
must_check enum err db_conversation_purge(
	struct db *db, struct arena *arena, int64_t max, int64_t kept_s, bool *done);

/* Changes the user's own view as far as it was sent, and gives it as it then is; on the arena.
 * ERR_NOT_FOUND: no such conversation for the user. */
must_check enum err db_membership_update(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *user, const struct membership_change *change, struct membership **out);

/* One conversation with its members, as the user sees it. ERR_NOT_FOUND: none for this user. */
must_check enum err db_conversation_one(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *user, struct conversation *out);

/* Up to limit + 1 of the user's conversations, latest activity first, by which the
 * cursor goes. *out lives on the arena. */
must_check enum err db_conversation_list(struct db *db, struct arena *arena,
	const struct uuid *user, const struct cursor *cursor, size_t limit,
	struct conversation **out, size_t *count);

/* Over everything the user is in. */
struct unread {
	int64_t unread_count;
	int64_t conversations;
};
must_check enum err db_unread_total(
	struct db *db, struct arena *arena, const struct uuid *user, struct unread *out);

/* For stores whose rows are those of conversation_list: all of them, on the arena. */
must_check enum err read_conversations(struct arena *arena, const struct rows *rows,
	const struct uuid *user, struct conversation **out, size_t *count);

/* For stores whose rows carry a member under a prefix ("other_"): finds the columns once, reads a
 * row. */
void member_columns(const struct rows *rows, const char *prefix, struct columns *out);
void read_member(const struct columns *columns, size_t row, struct member *out);

#endif
