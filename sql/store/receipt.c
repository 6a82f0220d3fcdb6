/* Watermarks in the database (sql/query/receipt.sql). Called by rest/handler/receipt.c and
 * push/command/receipt.c. */
#include "sql/store/receipt.h"

#include "sql/row.h"

struct call receipt_advance_call(const struct uuid *conversation, const struct uuid *user,
	enum receipt_kind kind, int64_t seq)
{
	struct uuid event_id;

	uuid_new(&event_id);
	return CALL(Q_RECEIPT_ADVANCE, P_UUID(conversation), P_UUID(user),
		P_TEXT(kind == RECEIPT_READ ? STR("read") : STR("delivered")),
		seq < 0 ? P_NULL() : P_INT64(seq), P_UUID(&event_id));
}

enum err receipt_advance_answer(
	const struct rows *rows, const char *field, struct faults *faults, struct watermarks *out)
{
	static const char *const names[] = { "outcome", "last_read_seq", "last_delivered_seq",
		"unread_count" };
	struct columns c;
	struct str outcome;

	columns_find(rows, "", names, 4, &c);
	outcome = row_text(&c, 0, 0);
	if (str_equal(outcome, STR("beyond"))) {
		fault_add(faults, field, "out_of_range",
			"The conversation has no message of this seq yet.");
		return ERR_INVALID_INPUT;
	}
	if (!str_equal(outcome, STR("ok")))
		return ERR_NOT_FOUND;
	*out = (struct watermarks){ row_int64(&c, 0, 1), row_int64(&c, 0, 2), row_int64(&c, 0, 3) };
	return OK;
}

enum err db_receipt_advance(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, enum receipt_kind kind, int64_t seq, struct faults *faults,
	struct watermarks *out)
{
	struct call call = receipt_advance_call(conversation, user, kind, seq);
	struct rows *rows;
	enum err err = db_call(db, arena, &call, &rows);

	return err == OK ? receipt_advance_answer(rows, "seq", faults, out) : err;
}

enum err db_receipt_list(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *message, const struct uuid *after, size_t limit,
	struct recipient **out, size_t *count)
{
	static const char *const names[] = { "user_id", "status", "at" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_RECEIPT_LIST, &rows, P_UUID(conversation), P_UUID(user),
		P_UUID(message), P_UUID(after), P_INT64((int64_t)limit + 1));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, 3, &c);
	*count = row_is_null(&c, 0, 0) ? 0 : rows_count(rows);
	*out = arena_calloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct recipient){ row_uuid(&c, i, 0),
			(enum message_status)row_int64(&c, i, 1), row_time(&c, i, 2) };
	return OK;
}
