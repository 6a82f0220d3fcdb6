/* One connection to PostgreSQL (db.h). */
#include "sql/db.h"

#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "lib/time.h"
#include "sql/rows.h"

#define PG_EPOCH_US INT64_C(946684800000000)

enum {
	PARAMS_MAX = 16,
	CONNECT_TIMEOUT_S = 2,
	/* After a refused connect, requests are answered at once for this long instead of each
	 * trying anew. */
	RETRY_US = 100000,
	/* The server ends a statement at its timeout. One that has not answered by this much later
	 * will not: it hangs, or the way to it is cut. */
	SILENCE_US = 2000000,
	CONSTRAINT_BYTES = 64,
};

struct db {
	const char *conninfo;
	const char *application;
	int statement_timeout_ms;
	db_event_fn watch;
	void *watch_context;
	PGconn *conn; /* NULL: not connected */
	int64_t retry_at_us;
	bool in_tx;
	bool prepared[Q__MAX]; /* on this very connection */
	char constraint[CONSTRAINT_BYTES];
};

/* What a SQLSTATE comes to; the first row whose prefix fits. */
static const struct {
	const char *prefix;
	enum err err;
} states[] = {
	{ "23505", ERR_CONFLICT },	/* unique_violation */
	{ "P0002", ERR_NOT_FOUND },	/* no_data_found: raised by our functions */
	{ "22", ERR_INVALID_INPUT },	/* data exceptions: a number out of range, a bad escape */
	{ "54000", ERR_INVALID_INPUT }, /* program_limit_exceeded: a document too complex */
	{ "08", ERR_UNAVAILABLE },	/* connection */
	{ "57", ERR_UNAVAILABLE },	/* shutdown, cancelled by the statement's timeout */
	{ "53", ERR_UNAVAILABLE },	/* disk full, out of memory, too many connections */
	{ "40", ERR_UNAVAILABLE },	/* serialisation, deadlock: nothing was done */
	{ "55P03", ERR_UNAVAILABLE },	/* lock_not_available */
	{ "25006", ERR_UNAVAILABLE },	/* read only: a replica not promoted yet */
	{ "58", ERR_UNAVAILABLE },	/* system error, I/O */
};

struct param P_INT64(int64_t number) {
	struct param param = { NULL, 8, true, { 0 } };
	uint64_t wire = htobe64((uint64_t)number);

	memcpy(param.bytes, &wire, sizeof(wire));
	return param;
}

struct param
P_BOOL(bool truth) {
	return (struct param){ NULL, 1, true, { truth } };
}

struct param
P_UUID(const struct uuid *id) {
	struct param param = { NULL, sizeof(id->bytes), true, { 0 } };

	if (!id || uuid_is_nil(id))
		return P_NULL();
	memcpy(param.bytes, id->bytes, sizeof(id->bytes));
	return param;
}

struct param
P_TEXT(struct str text) {
	return (struct param){ text.ptr, (int)text.len, false, { 0 } };
}

struct param
P_BYTES(const void *bytes, size_t size) {
	return (struct param){ bytes, (int)size, false, { 0 } };
}

struct param
P_TIME(int64_t time_us) {
	return time_us == TIME_NONE ? P_NULL() : P_INT64(time_us - PG_EPOCH_US);
}

struct param
P_NULL(void) {
	return (struct param){ NULL, 0, false, { 0 } };
}

struct db *
db_new(const char *conninfo, const char *application, int statement_timeout_ms)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db)
		fatal("out of memory");
	db->conninfo = conninfo;
	db->application = application;
	db->statement_timeout_ms = statement_timeout_ms;
	return db;
}

void db_watch(struct db *db, db_event_fn fn, void *context)
{
	db->watch = fn;
	db->watch_context = context;
}

static void db_tell(struct db *db, bool connected)
{
	if (db->watch)
		db->watch(db->watch_context, connected);
}

static void db_disconnect(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->in_tx = false;
	memset(db->prepared, 0, sizeof(db->prepared));
}

void db_free(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->conn);
	free(db);
}

/* libpq's message ends in newlines, and may have several lines: the first says it. */
static const char *first_line(const char *message, char line[256])
{
	snprintf(line, 256, "%.*s", (int)strcspn(message, "\n"), message);
	return line;
}

/* By itself libpq writes what the server remarks to stderr, between our lines of JSON. */
static void notice_log(void *context, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	(void)context;
	log_debug("the database remarks", LOG_STR("notice", text ? text : ""));
}

static enum err db_connect(struct db *db)
{
	char options[160], timeout[16], line[256];
	int64_t now_us = time_mono_us();

	if (now_us < db->retry_at_us)
		return ERR_UNAVAILABLE;
	snprintf(timeout, sizeof(timeout), "%d", CONNECT_TIMEOUT_S);
	snprintf(options, sizeof(options),
		"-c statement_timeout=%d -c idle_in_transaction_session_timeout=%d -c timezone=UTC "
		"-c jit=off",
		db->statement_timeout_ms, 2 * db->statement_timeout_ms);
	/* the last wins, so the connection string may add to, not take from, what we rely on */
	const char *const keys[] = { "dbname", "fallback_application_name", "connect_timeout",
		"client_encoding", "options", NULL };
	const char *const values[] = { db->conninfo, db->application, timeout, "UTF8", options,
		NULL };

	db->conn = PQconnectdbParams(keys, values, 1);
	PQsetNoticeReceiver(db->conn, notice_log, NULL);
	if (PQstatus(db->conn) == CONNECTION_OK) {
		db_tell(db, true);
		return OK;
	}
	log_warn("the database is away",
		LOG_STR("reason", first_line(PQerrorMessage(db->conn), line)));
	db_disconnect(db);
	db->retry_at_us = now_us + RETRY_US;
	db_tell(db, false);
	return ERR_UNAVAILABLE;
}

/* An idle connection that has become readable has been closed, or brings a notice: look before it
 * is used, so that a restarted database costs no request. */
static bool db_is_stale(struct db *db)
{
	struct pollfd fd = { PQsocket(db->conn), POLLIN, 0 };

	/* again: what is read first may be the server's farewell, with the end behind it */
	while (poll(&fd, 1, 0) > 0) {
		if (!PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK)
			return true;
	}
	return false;
}

static enum err db_ready(struct db *db)
{
	if (db->conn && !db->in_tx && db_is_stale(db)) {
		log_info("the database closed the connection: making a new one");
		db_tell(db, false);
		db_disconnect(db);
	}
	return db->conn ? OK : db_connect(db);
}

/* What a failed result comes to. Disconnects when the connection is gone. */
static enum err db_failed(struct db *db, const PGresult *result, const char *statement)
{
	char line[256];
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	enum err err = ERR_INTERNAL;

	for (size_t i = 0; state && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0) {
			err = states[i].err;
			break;
		}
	}
	if (PQstatus(db->conn) != CONNECTION_OK)
		err = ERR_UNAVAILABLE;
	snprintf(db->constraint, sizeof(db->constraint), "%s", constraint ? constraint : "");
	/* the primary message alone: the detail line quotes values */
	if (err == ERR_INTERNAL || err == ERR_UNAVAILABLE) {
		const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		LOG_LINE(err == ERR_INTERNAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
			"a statement failed", LOG_STR("statement", statement),
			LOG_STR("sqlstate", state ? state : ""),
			LOG_STR("reason",
				primary ? primary : first_line(PQerrorMessage(db->conn), line)));
	}
	if (PQstatus(db->conn) != CONNECTION_OK) {
		db_tell(db, false);
		db_disconnect(db);
	}
	return err;
}

/* Until there is something to take from the connection. A server that stays silent is cut off, and
 * libpq then finds the connection lost: a worker that waited for ever would serve nobody. */
static void db_wait(struct db *db, int64_t deadline_us)
{
	while (PQisBusy(db->conn)) {
		struct pollfd fd = { PQsocket(db->conn), POLLIN, 0 };
		int64_t left_us = deadline_us - time_mono_us();

		if (left_us <= 0) {
			log_warn("the database does not answer: leaving it");
			shutdown(fd.fd, SHUT_RDWR);
		} else if (poll(&fd, 1, (int)(left_us / 1000) + 1) <= 0) {
			continue; /* interrupted, or late */
		}
		if (!PQconsumeInput(db->conn))
			return;
	}
}

/* The last result of what was sent, to be cleared; NULL when it could not be sent. */
static PGresult *db_result(struct db *db, int sent)
{
	int64_t deadline_us =
		time_mono_us() + (int64_t)db->statement_timeout_ms * 1000 + SILENCE_US;
	PGresult *last = NULL, *next;

	while (sent) {
		db_wait(db, deadline_us);
		next = PQgetResult(db->conn);
		if (!next)
			break;
		PQclear(last);
		last = next;
	}
	return last;
}

static enum err db_prepare(struct db *db, enum query query)
{
	PGresult *result;
	enum err err = OK;

	if (db->prepared[query])
		return OK;
	result = db_result(
		db, PQsendPrepare(db->conn, queries[query].name, queries[query].sql, 0, NULL));
	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		db->prepared[query] = true;
	else
		err = db_failed(db, result, queries[query].name);
	PQclear(result);
	return err;
}

static void clear_result(void *result)
{
	PQclear(result);
}

static enum err db_check_rows(enum query query, int count)
{
	if (queries[query].rows != ROWS_ONE || count == 1)
		return OK;
	log_error("a statement of one row gave another number",
		LOG_STR("statement", queries[query].name), LOG_INT("rows", count));
	return ERR_INTERNAL;
}

enum err db_run_params(struct db *db, struct arena *arena, enum query query, struct rows **rows,
	int nparams, const struct param *params)
{
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
	struct rows *found;
	PGresult *result;
	enum err err;

	if (nparams != queries[query].nparams || nparams > PARAMS_MAX)
		fatal("wrong number of parameters", LOG_STR("statement", queries[query].name));
	err = db_ready(db);
	if (err == OK)
		err = db_prepare(db, query);
	if (err != OK)
		return err;
	for (int i = 0; i < nparams; i++) {
		values[i] = params[i].is_inline ? params[i].bytes : params[i].value;
		lengths[i] = params[i].size;
		formats[i] = 1;
	}
	result = db_result(db, PQsendQueryPrepared(db->conn, queries[query].name, nparams, values,
				       lengths, formats, 1));
	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_COMMAND_OK) {
		err = db_failed(db, result, queries[query].name);
		PQclear(result);
		return err;
	}
	arena_defer(arena, clear_result, result);
	err = db_check_rows(query, PQntuples(result));
	if (err != OK)
		return err;
	if (rows) {
		found = arena_alloc(arena, sizeof(*found));
		*found = (struct rows){ result, queries[query].name };
		*rows = found;
	}
	return OK;
}

const char *db_constraint(const struct db *db)
{
	return db->constraint;
}

/* A command of ours without parameters or rows. */
static enum err db_command(struct db *db, const char *command)
{
	PGresult *result = db_result(db, PQsendQuery(db->conn, command));
	enum err err = OK;

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		err = db_failed(db, result, command);
	PQclear(result);
	return err;
}

enum err db_begin(struct db *db, enum tx tx)
{
	enum err err;

	if (tx == TX_NONE)
		return OK;
	err = db_ready(db);
	if (err != OK)
		return err;
	err = db_command(
		db, tx == TX_READ ? "begin isolation level repeatable read read only" : "begin");
	db->in_tx = err == OK;
	return err;
}

enum err db_commit(struct db *db)
{
	enum err err = OK;
	PGresult *result;

	if (!db->in_tx)
		return OK;
	db->in_tx = false;
	if (!db->conn)
		return ERR_UNAVAILABLE;
	result = db_result(db, PQsendQuery(db->conn, "commit"));
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		err = db_failed(db, result, "commit");
	} else if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		/* a statement had failed and its handler went on: PostgreSQL answers ROLLBACK */
		log_error("a transaction that was to commit had failed before");
		err = ERR_INTERNAL;
	}
	PQclear(result);
	return err;
}

void db_rollback(struct db *db)
{
	if (!db->in_tx)
		return;
	db->in_tx = false;
	if (db->conn && db_command(db, "rollback") != OK && db->conn)
		db_disconnect(db);
}
