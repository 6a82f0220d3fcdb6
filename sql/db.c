/* One connection to PostgreSQL (db.h). */
#include "sql/db.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "lib/time.h"
#include "sql/connect.h"
#include "sql/param.h"
#include "sql/result.h"
#include "sql/rows.h"

enum {
	/* After a refused connect, requests are answered at once for this long instead of each
	 * trying anew. */
	RETRY_US = 100000,
	/* The server ends a statement at its timeout. One that has not answered by this much later
	 * will not: it hangs, or the way to it is cut. */
	SILENCE_US = 2000000,
	CONSTRAINT_BYTES = 64,
	CHANNEL_BYTES = 64,
};

struct db {
	const char *conninfo;
	const char *application;
	int statement_timeout_ms;
	db_event_fn watch;
	void *watch_context;
	const char *channel; /* NULL: it listens to nothing */
	PGconn *conn;	     /* NULL: not connected */
	int64_t retry_at_us;
	bool in_tx;
	struct uuid session_id, user_id; /* the caller's */
	bool unchecked;			 /* nobody has looked yet whether that session is alive */
	bool prepared[Q__MAX];		 /* on this very connection */
	char constraint[CONSTRAINT_BYTES];
};

struct db *db_new(const char *conninfo, const char *application, int statement_timeout_ms)
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

/* What a failed result comes to. Disconnects when the connection is gone, or no good any more. */
static enum err db_failed(struct db *db, const PGresult *result, const char *statement)
{
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	enum err err = result_err(db->conn, result, statement);

	snprintf(db->constraint, sizeof(db->constraint), "%s", constraint ? constraint : "");
	if (PQstatus(db->conn) != CONNECTION_OK || result_is_outdated(result)) {
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

/* On a connection that has just been made. */
static enum err db_listen_send(struct db *db)
{
	char command[CHANNEL_BYTES + sizeof("listen ")];
	PGresult *result;
	enum err err = OK;

	if (!db->channel)
		return OK;
	snprintf(command, sizeof(command), "listen %s", db->channel);
	result = db_result(db, PQsendQuery(db->conn, command));
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		err = db_failed(db, result, "listen");
	PQclear(result);
	if (err != OK && db->conn)
		db_disconnect(db);
	return err;
}

static enum err db_connect(struct db *db)
{
	struct connect_params params;
	char line[RESULT_LINE_BYTES];
	int64_t now_us = time_mono_us();

	if (now_us < db->retry_at_us)
		return ERR_UNAVAILABLE;
	connect_params(db->conninfo, db->application, db->statement_timeout_ms, &params);
	db->conn = PQconnectdbParams(params.keys, params.values, 1);
	PQsetNoticeReceiver(db->conn, result_notice, NULL);
	if (PQstatus(db->conn) == CONNECTION_OK) {
		db_tell(db, true);
		return db_listen_send(db);
	}
	log_warn("the database is away",
		LOG_STR("reason", result_first_line(PQerrorMessage(db->conn), line)));
	db_disconnect(db);
	db->retry_at_us = now_us + RETRY_US;
	db_tell(db, false);
	return ERR_UNAVAILABLE;
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

static bool result_ok(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static int db_send(struct db *db, enum query query, int nparams, const struct encoded *encoded)
{
	return PQsendQueryPrepared(db->conn, queries[query].name, nparams, encoded->values,
		encoded->lengths, encoded->formats, 1);
}

void db_caller(struct db *db, const struct uuid *session, const struct uuid *user)
{
	db->unchecked = session != NULL;
	if (session) {
		db->session_id = *session;
		db->user_id = *user;
	}
}

/* Reads up to the sync, with which the server commits: what was answered well before may have come to nothing. *out: the
 * statement's result, or what the commit failed with; NULL when the connection is lost. */
static void db_sync_result(struct db *db, PGresult **out)
{
	int64_t deadline_us =
		time_mono_us() + (int64_t)db->statement_timeout_ms * 1000 + SILENCE_US;

	while (PQstatus(db->conn) == CONNECTION_OK) {
		PGresult *next;

		db_wait(db, deadline_us);
		next = PQgetResult(db->conn);
		if (PQresultStatus(next) == PGRES_PIPELINE_SYNC) {
			PQclear(next);
			return;
		}
		if (next && result_ok(*out)) {
			PQclear(*out);
			*out = next;
		} else {
			PQclear(next);
		}
	}
	PQclear(*out);
	*out = NULL;
}

/* The statement's result, with the look at the caller's session before it: both leave in one write, and without a
 * sync between them they are one transaction, in which the server passes over what follows an error. */
static enum err db_run_checked(
	struct db *db, enum query query, int nparams, const struct encoded *encoded, PGresult **out)
{
	struct param caller[] = { P_UUID(&db->session_id), P_UUID(&db->user_id) };
	struct encoded encoded_caller;
	PGresult *check, *result = NULL;
	enum err err = OK;
	int sent;

	params_encode(Q_SESSION_CHECK, 2, caller, &encoded_caller);
	sent = PQenterPipelineMode(db->conn) && db_send(db, Q_SESSION_CHECK, 2, &encoded_caller) &&
	       db_send(db, query, nparams, encoded) && PQpipelineSync(db->conn);
	check = db_result(db, sent);
	if (PQstatus(db->conn) == CONNECTION_OK)
		result = db_result(db, sent);
	if (sent)
		db_sync_result(db, &result);
	if (PQstatus(db->conn) == CONNECTION_OK && !PQexitPipelineMode(db->conn))
		shutdown(PQsocket(db->conn), SHUT_RDWR);
	if (!result_ok(check))
		err = db_failed(db, check, queries[Q_SESSION_CHECK].name);
	db->unchecked = err != OK && err != ERR_UNAUTHORIZED;
	PQclear(check);
	if (err == OK)
		*out = result;
	else
		PQclear(result);
	return err;
}

enum err db_run_params(struct db *db, struct arena *arena, enum query query, struct rows **rows,
	int nparams, const struct param *params)
{
	struct encoded encoded;
	struct rows *found;
	PGresult *result;
	enum err err;

	params_encode(query, nparams, params, &encoded);
	err = db_ready(db);
	if (err == OK)
		err = db_prepare(db, query);
	if (err == OK && db->unchecked)
		err = db_prepare(db, Q_SESSION_CHECK);
	if (err == OK && db->unchecked)
		err = db_run_checked(db, query, nparams, &encoded, &result);
	else if (err == OK)
		result = db_result(db, db_send(db, query, nparams, &encoded));
	if (err != OK)
		return err;
	if (!result_ok(result)) {
		err = db_failed(db, result, queries[query].name);
		PQclear(result);
		return err;
	}
	arena_defer(arena, clear_result, result);
	err = result_check_rows(query, result);
	if (err != OK)
		return err;
	if (rows) {
		found = arena_alloc(arena, sizeof(*found));
		*found = (struct rows){ result, queries[query].name };
		*rows = found;
	}
	return OK;
}

enum err db_call(struct db *db, struct arena *arena, const struct call *call, struct rows **rows)
{
	return db_run_params(db, arena, call->query, rows, call->nparams, call->params);
}

enum err db_caller_check(struct db *db, struct arena *arena)
{
	enum err err;

	if (!db->unchecked)
		return OK;
	db->unchecked = false;
	err = db_run(
		db, arena, Q_SESSION_CHECK, NULL, P_UUID(&db->session_id), P_UUID(&db->user_id));
	db->unchecked = err != OK && err != ERR_UNAUTHORIZED;
	return err;
}

void db_listen(struct db *db, const char *channel)
{
	db->channel = channel;
}

int db_socket(const struct db *db)
{
	return db->conn ? PQsocket(db->conn) : -1;
}

bool db_woken(struct db *db)
{
	PGnotify *notification;
	bool woken = false;

	if (db->conn && db_is_stale(db)) {
		db_tell(db, false);
		db_disconnect(db);
	}
	if (!db->conn)
		return true;
	while ((notification = PQnotifies(db->conn))) {
		woken = true;
		PQfreemem(notification);
	}
	return woken;
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
