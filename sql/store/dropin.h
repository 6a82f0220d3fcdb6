/* What the drop-in routes show of conversations and messages. user NULL: a service, which sees everything. */
#ifndef SQL_STORE_DROPIN_H
#define SQL_STORE_DROPIN_H

#include "lib/model/message.h"
#include "sql/db.h"

struct dropin_participant {
	struct uuid id;
	struct str name;
};

struct dropin_conversation {
	struct uuid id;
	struct str external_ref;
	int64_t last_message_at_us; /* or TIME_NONE */
	bool has_message;	    /* one that the user may read */
	struct str content;	    /* of the message: ptr NULL when it has none, or is deleted */
	struct uuid sender_id;	    /* nil: the system */
	const struct dropin_participant *participants;
	size_t nparticipants;
};

/* limit of the user's conversations from offset on, latest activity first; on the arena. */
must_check enum err db_dropin_conversations(struct db *db, struct arena *arena,
	const struct uuid *user, int64_t limit, int64_t offset, struct dropin_conversation **out,
	size_t *count);

/* One of them. ERR_NOT_FOUND: none, or not for this user. */
must_check enum err db_dropin_conversation(struct db *db, struct arena *arena,
	const struct uuid *id, const struct uuid *user, struct dropin_conversation *out);

/* The id of the conversation with an external_ref. ERR_NOT_FOUND. */
must_check enum err db_dropin_by_ref(
	struct db *db, struct arena *arena, struct str external_ref, struct uuid *id);

struct dropin_message {
	struct uuid id;
	struct uuid sender_id; /* nil: the system */
	struct str sender_name;
	struct str content;
	enum message_status status;
	int64_t created_at_us;
};

/* limit messages before the newest offset ones, oldest first, on the arena; total: how many the user may read in all.
 * ERR_NOT_FOUND: no such conversation for this user. */
must_check enum err db_dropin_page(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, int64_t limit, int64_t offset,
	struct dropin_message **out, size_t *count, int64_t *total);

#endif
