/* Transactions under way in the database. */
#ifndef SQL_STORE_TRANSACTION_H
#define SQL_STORE_TRANSACTION_H

#include "sql/call.h"

/* For a pipeline: answered when what records of the WAL have told so far can be seen, or after most_ms. */
struct call transaction_settle_call(int64_t most_ms);

#endif
