/* Changes of messages that were sent, in the database. */
#ifndef SQL_STORE_CHANGE_H
#define SQL_STORE_CHANGE_H

#include "lib/model/message.h"
#include "lib/model/message_version.h"
#include "sql/db.h"

/* By the configuration: how long a message may be edited, 0: for ever; whether what was is kept. */
struct edit_terms {
	int64_t window_s;
	bool keeps;
};

/*
 * Edits a message of the user's own; *out is the message as it now is, also where that was so before. Outside of a transaction.
 * ERR_NOT_FOUND: no such message for the user; ERR_FORBIDDEN: of another, or of the system, or too late (*why says which, or is left
 * alone); ERR_CONFLICT: it is deleted; ERR_BLOCKED: it is in a direct conversation, and one of the two has blocked the other;
 * ERR_INVALID_INPUT: what is left is no message (noted in faults).
 */
must_check enum err db_message_edit(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *id,
	const struct message_change *change, const struct edit_terms *terms, struct faults *faults,
	struct message *out, const char **why);

/* Deletes a message, for its sender or for who may delete those of others; also one that is deleted. ERR_NOT_FOUND, ERR_FORBIDDEN. */
must_check enum err db_message_delete(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *id);

/* Up to limit + 1 of what a message of the user's own was before, latest first, of a rev below before_rev (0: from the latest). *out lives
 * on the arena. ERR_NOT_FOUND: no such message for the user; ERR_FORBIDDEN: it is of another. */
must_check enum err db_message_versions(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *id,
	int64_t before_rev, size_t limit, struct message_version **out, size_t *count);

#endif
