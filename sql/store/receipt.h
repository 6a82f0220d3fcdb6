/* Watermarks in the database. */
#ifndef SQL_STORE_RECEIPT_H
#define SQL_STORE_RECEIPT_H

#include "lib/json_read.h"
#include "lib/model/recipient.h"
#include "sql/db.h"

enum receipt_kind {
	RECEIPT_DELIVERED,
	RECEIPT_READ
};

struct watermarks {
	int64_t last_read_seq;
	int64_t last_delivered_seq;
	int64_t unread_count;
};

/* Moves the user's own watermark up to seq (-1: the latest), never back, and emits the event when
 * it moved. ERR_NOT_FOUND: no such conversation for the user; ERR_INVALID_INPUT: beyond its last
 * message (noted in faults). */
must_check enum err db_receipt_advance(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, enum receipt_kind kind,
	int64_t seq, struct faults *faults, struct watermarks *out);

/* The same in two halves, for a pipeline. field: what the seq was called, for the fault. */
struct call receipt_advance_call(const struct uuid *conversation, const struct uuid *user,
	enum receipt_kind kind, int64_t seq);
must_check enum err receipt_advance_answer(
	const struct rows *rows, const char *field, struct faults *faults, struct watermarks *out);

/* Up to limit + 1 of the recipients of a message, by id, behind after (nil: from the first). ERR_NOT_FOUND: no such message for the
 * user. *out lives on the arena. */
must_check enum err db_receipt_list(struct db *db, struct arena *arena,
	const struct uuid *conversation, const struct uuid *user, const struct uuid *message,
	const struct uuid *after, size_t limit, struct recipient **out, size_t *count);

#endif
