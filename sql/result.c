/* Results of PostgreSQL (result.h). Called by db.c and pipeline.c. */
#include "sql/result.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"

/* What a SQLSTATE comes to; the first row whose prefix fits. */
static const struct {
	const char *prefix;
	enum err err;
} states[] = {
	{ "23505", ERR_CONFLICT },	/* unique_violation */
	{ "P0002", ERR_NOT_FOUND },	/* no_data_found: raised by our functions */
	{ "28R01", ERR_UNAUTHORIZED },	/* session_refuse: the caller's session has ended */
	{ "22", ERR_INVALID_INPUT },	/* data exceptions: a number out of range, a bad escape */
	{ "54000", ERR_INVALID_INPUT }, /* program_limit_exceeded: a document too complex */
	{ "08", ERR_UNAVAILABLE },	/* connection */
	{ "57", ERR_UNAVAILABLE },	/* shutdown, cancelled by the statement's timeout */
	{ "53", ERR_UNAVAILABLE },	/* disk full, out of memory, too many connections */
	{ "40", ERR_UNAVAILABLE },	/* serialisation, deadlock: nothing was done */
	{ "55P03", ERR_UNAVAILABLE },	/* lock_not_available */
	{ "25006", ERR_UNAVAILABLE },	/* read only: a replica not promoted yet */
	{ "58", ERR_UNAVAILABLE },	/* system error, I/O */
	{ "0A000", ERR_UNAVAILABLE },	/* see result_is_outdated */
	{ "26000", ERR_UNAVAILABLE },	/* the preparing, sent before it, had failed */
};

const char *result_first_line(const char *message, char line[RESULT_LINE_BYTES])
{
	snprintf(line, RESULT_LINE_BYTES, "%.*s", (int)strcspn(message, "\n"), message);
	return line;
}

void result_notice(void *context, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	(void)context;
	log_debug("the database remarks", LOG_STR("notice", text ? text : ""));
}

enum err result_err(const PGconn *conn, const PGresult *result, const char *statement)
{
	char line[RESULT_LINE_BYTES];
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	enum err err = ERR_INTERNAL;

	for (size_t i = 0; state && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0) {
			err = states[i].err;
			break;
		}
	}
	if (PQstatus(conn) != CONNECTION_OK)
		err = ERR_UNAVAILABLE;
	/* the primary message alone: the detail line quotes values */
	if (err == ERR_INTERNAL || err == ERR_UNAVAILABLE) {
		const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		LOG_LINE(err == ERR_INTERNAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
			"a statement failed", LOG_STR("statement", statement),
			LOG_STR("sqlstate", state ? state : ""),
			LOG_STR("reason",
				primary ? primary : result_first_line(PQerrorMessage(conn), line)));
	}
	return err;
}

bool result_is_outdated(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state && strcmp(state, "0A000") == 0;
}

enum err result_check_rows(enum query query, const PGresult *result)
{
	int count = PQntuples(result);

	if (queries[query].rows != ROWS_ONE || count == 1)
		return OK;
	log_error("a statement of one row gave another number",
		LOG_STR("statement", queries[query].name), LOG_INT("rows", count));
	return ERR_INTERNAL;
}
