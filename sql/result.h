/*
 * What a result of PostgreSQL comes to, for db.c and pipeline.c.
 */
#ifndef SQL_RESULT_H
#define SQL_RESULT_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/err.h"
#include "query.h"

/* A failed result as an error; see db_run_params. ERR_INTERNAL and ERR_UNAVAILABLE are logged. */
must_check enum err result_err(const PGconn *conn, const PGresult *result, const char *statement);

/* Has a migration changed what a statement gives since it was prepared? It then fails on this connection for ever, with
 * feature_not_supported, which none of ours can come to otherwise, and works on the next. */
bool result_is_outdated(const PGresult *result);

/* ERR_INTERNAL, logged, when a statement of one row gave another number. */
must_check enum err result_check_rows(enum query query, const PGresult *result);

/* The first line of a message of libpq, which ends in newlines and may have several; in line. */
enum {
	RESULT_LINE_BYTES = 256
};
const char *result_first_line(const char *message, char line[RESULT_LINE_BYTES]);

/* For PQsetNoticeReceiver: by itself libpq writes what the server remarks to stderr, between our
 * lines of JSON. */
void result_notice(void *context, const PGresult *result);

#endif
