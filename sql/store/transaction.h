/* Transactions under way in the database. */
#ifndef SQL_STORE_TRANSACTION_H
#define SQL_STORE_TRANSACTION_H

#include "lib/text.h"
#include "sql/call.h"

struct rows;

/* For a pipeline: a snapshot in the text form of pg_snapshot, borrowed from rows. */
struct call transaction_snapshot_call(void);
struct str transaction_snapshot_answer(const struct rows *rows);

#endif
