/* Messages in the database. */
#ifndef SQL_STORE_MESSAGE_H
#define SQL_STORE_MESSAGE_H

#include "lib/model/message.h"
#include "sql/db.h"
#include "sql/row.h"

/*
 * Sends a message (one round trip). *created is false when this very message had been sent before:
 * *out is then as it now is. ERR_NOT_FOUND: no such conversation for the sender; ERR_ID_REUSED: the
 * id is another message's; ERR_INVALID_INPUT: reply_to is none that the sender may read, or an attachment none
 * of its own (noted in faults); ERR_BLOCKED: it is direct, and one of the two has blocked the other.
 */
must_check enum err db_message_send(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *sender, const struct message_new *new,
	struct faults *faults, struct message *out, bool *created);

/*
 * The same in two halves, for a pipeline. The call borrows what new does. ERR_CONFLICT instead of an answer means
 * that a twin has just committed: the same call again finds it. The errors of message_send_answer are those of
 * db_message_send.
 */
struct message_sent {
	bool created; /* else it had been sent before */
	int64_t seq;
	int64_t rev;
	int64_t created_at_us;
	struct str extra; /* message_extra_read; borrowed from rows */
};
struct call message_send_call(struct arena *arena, const struct uuid *conversation,
	const struct uuid *sender, const struct message_new *new);
must_check enum err message_send_answer(struct arena *arena, const struct rows *rows,
	struct faults *faults, struct message_sent *out);

/* One page of history. */
struct message_page {
	int64_t before_seq; /* exclusive; 0: from the newest */
	int64_t after_seq;  /* exclusive; 0: none */
	bool oldest_first;
	size_t limit;
};

/* Up to limit + 1 messages that the user may read, so that the caller sees whether there are more.
 * ERR_NOT_FOUND: no such conversation for the user. *out lives on the arena. */
must_check enum err db_message_page(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct message_page *page,
	struct message **out, size_t *count);

/* One message. ERR_NOT_FOUND: no such message for the user. */
must_check enum err db_message_one(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *id,
	struct message *out);

/* Where a message (nil: none) and a time (TIME_NONE: none) stand. id_seq 0: no such message.
 * at_seq: the first message at or after the time; past_seq: the first after it. ERR_NOT_FOUND: no
 * such conversation for the user. */
struct message_position {
	int64_t id_seq;
	int64_t at_seq;
	int64_t past_seq;
};
must_check enum err db_message_position(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *id,
	int64_t at_us, struct message_position *out);

/* For stores whose rows carry a message under a prefix ("message_"): finds the columns once, reads
 * a row. */
void message_columns(const struct rows *rows, const char *prefix, struct columns *out);
void read_message(const struct columns *columns, size_t row, const struct uuid *conversation,
	struct message *out);
/* Its parts that few messages have, as message_extra gives them. */
void message_extra_take(struct str extra, struct message *out);
/* Does the row carry one at all? (An outer join may have found none.) */
bool has_message(const struct columns *columns, size_t row);

#endif
