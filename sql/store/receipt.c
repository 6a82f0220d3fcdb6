/* Watermarks in the database (sql/query/receipt.sql). Called by rest/handler/receipt.c. */
#include "sql/store/receipt.h"

#include "sql/row.h"

enum err db_receipt_advance(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, enum receipt_kind kind, int64_t seq, struct faults *faults,
	struct watermarks *out)
{
	static const char *const names[] = { "outcome", "last_read_seq", "last_delivered_seq",
		"unread_count" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	struct str outcome;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_RECEIPT_ADVANCE, &rows, P_UUID(conversation), P_UUID(user),
		P_TEXT(kind == RECEIPT_READ ? STR("read") : STR("delivered")),
		seq < 0 ? P_NULL() : P_INT64(seq), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", names, 4, &c);
	outcome = row_text(&c, 0, 0);
	if (str_equal(outcome, STR("beyond"))) {
		fault_add(faults, "seq", "out_of_range",
			"The conversation has no message of this seq yet.");
		return ERR_INVALID_INPUT;
	}
	if (!str_equal(outcome, STR("ok")))
		return ERR_NOT_FOUND;
	*out = (struct watermarks){ row_int64(&c, 0, 1), row_int64(&c, 0, 2), row_int64(&c, 0, 3) };
	return OK;
}
