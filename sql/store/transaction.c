/* Transactions under way (sql/query/transaction.sql). Called by push/seen.c. */
#include "sql/store/transaction.h"

#include "sql/row.h"

struct call transaction_snapshot_call(void)
{
	return (struct call){ .query = Q_TRANSACTION_SNAPSHOT };
}

struct str transaction_snapshot_answer(const struct rows *rows)
{
	static const char *const names[] = { "snapshot" };
	struct columns c;

	columns_find(rows, "", names, 1, &c);
	return row_text(&c, 0, 0);
}
