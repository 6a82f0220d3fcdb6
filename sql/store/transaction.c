/* Transactions under way (sql/query/transaction.sql). Called by push/gate.c. */
#include "sql/store/transaction.h"

struct call transaction_settle_call(int64_t most_ms)
{
	return CALL(Q_TRANSACTION_SETTLE, P_INT64(most_ms));
}
