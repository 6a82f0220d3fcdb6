/*
 * libpq without waiting; see the header.
 */
#include "push/wal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/backoff.h"

enum {
	CONNECT_MAX_US = 5000000,
	GOOD_AFTER_US = 5000000, /* a connection that lived so long was a success */
	FLUSH_MAX_MS = 500,
	REASON_BYTES = 256,
};

enum wal_state {
	WAL_CLOSED,	/* until retry_at_us */
	WAL_CONNECTING, /* until deadline_us */
	WAL_IDLE,
	WAL_BUSY, /* with a command */
	WAL_COPYING,
	WAL_BROKEN, /* to be told as WAL_LOST */
};

struct wal {
	enum wal_kind kind;
	enum wal_state state;
	const char *conninfo;
	PGconn *conn;
	PGresult *answer;
	char *frame; /* libpq's, of the last wal_frame */
	short connect_events;
	bool want_write;
	struct backoff backoff;
	int64_t retry_at_us;
	int64_t deadline_us;
	int64_t opened_at_us;
	char sqlstate[6];
	char reason[REASON_BYTES];
};

/* libpq's texts have several lines; the first says it. */
static void reason_set(struct wal *wal, const char *text)
{
	size_t len = strcspn(text, "\n");
	if (len >= sizeof(wal->reason))
		len = sizeof(wal->reason) - 1;
	memcpy(wal->reason, text, len);
	wal->reason[len] = '\0';
}

static void sqlstate_set(struct wal *wal, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	memset(wal->sqlstate, 0, sizeof(wal->sqlstate));
	if (sqlstate != NULL && strlen(sqlstate) < sizeof(wal->sqlstate))
		memcpy(wal->sqlstate, sqlstate, strlen(sqlstate));
}

static void answer_clear(struct wal *wal)
{
	PQclear(wal->answer);
	wal->answer = NULL;
}

static void wal_break(struct wal *wal, const char *reason)
{
	reason_set(wal, reason);
	wal->state = WAL_BROKEN;
}

static void wal_close(struct wal *wal)
{
	PQfreemem(wal->frame);
	wal->frame = NULL;
	answer_clear(wal);
	PQfinish(wal->conn);
	wal->conn = NULL;
	wal->want_write = false;
}

static void notice_log(void *ctx, const PGresult *result)
{
	(void)ctx;
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	log_debug("the database remarks", LOG_STR("notice", text == NULL ? "" : text));
}

static void wal_connect(struct wal *wal, int64_t now_us)
{
	/* later ones win over those of the connection string */
	const char *const keys[] = { "dbname", "fallback_application_name", "client_encoding",
		wal->kind == WAL_REPLICATION ? "replication" : NULL, NULL };
	const char *const values[] = { wal->conninfo, "parley-push", "UTF8", "database", NULL };

	wal->sqlstate[0] = '\0';
	wal->conn = PQconnectStartParams(keys, values, 1);
	if (wal->conn == NULL)
		fatal("out of memory");
	if (PQstatus(wal->conn) == CONNECTION_BAD) {
		wal_break(wal, PQerrorMessage(wal->conn));
		return;
	}
	PQsetNoticeReceiver(wal->conn, notice_log, NULL);
	wal->state = WAL_CONNECTING;
	wal->connect_events = POLLOUT;
	wal->deadline_us = now_us + CONNECT_MAX_US;
}

static enum wal_news step_connecting(struct wal *wal, short revents, int64_t now_us)
{
	if (now_us >= wal->deadline_us) {
		wal_break(wal, "the server did not answer in time");
		return WAL_NOTHING;
	}
	if ((revents & (wal->connect_events | POLLERR | POLLHUP)) == 0)
		return WAL_NOTHING;
	switch (PQconnectPoll(wal->conn)) {
	case PGRES_POLLING_READING:
		wal->connect_events = POLLIN;
		return WAL_NOTHING;
	case PGRES_POLLING_WRITING:
		wal->connect_events = POLLOUT;
		return WAL_NOTHING;
	case PGRES_POLLING_OK:
		break;
	default:
		wal_break(wal, PQerrorMessage(wal->conn));
		return WAL_NOTHING;
	}
	if (PQsetnonblocking(wal->conn, 1) != 0) {
		wal_break(wal, PQerrorMessage(wal->conn));
		return WAL_NOTHING;
	}
	wal->state = WAL_IDLE;
	wal->opened_at_us = now_us;
	return WAL_OPENED;
}

static void wal_flush(struct wal *wal)
{
	int left = PQflush(wal->conn);
	if (left < 0)
		wal_break(wal, PQerrorMessage(wal->conn));
	wal->want_write = left > 0;
}

/* The answer is whole when libpq has no further result. */
static enum wal_news step_busy(struct wal *wal)
{
	while (!PQisBusy(wal->conn)) {
		PGresult *result = PQgetResult(wal->conn);
		if (result == NULL) {
			ExecStatusType status = PQresultStatus(wal->answer);
			if (PQstatus(wal->conn) == CONNECTION_BAD) {
				wal_break(wal, PQerrorMessage(wal->conn));
				return WAL_NOTHING;
			}
			wal->state = WAL_IDLE;
			return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
				       ? WAL_ANSWERED
				       : WAL_REFUSED;
		}
		answer_clear(wal);
		wal->answer = result;
		if (PQresultStatus(result) == PGRES_COPY_BOTH) {
			wal->state = WAL_COPYING;
			return WAL_STREAMING;
		}
		if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
			sqlstate_set(wal, result);
			reason_set(wal, PQresultErrorMessage(result));
		}
	}
	return WAL_NOTHING;
}

static enum wal_news step_broken(struct wal *wal, int64_t now_us)
{
	if (wal->opened_at_us != 0 && now_us - wal->opened_at_us >= GOOD_AFTER_US)
		backoff_reset(&wal->backoff);
	wal->opened_at_us = 0;
	wal_close(wal);
	wal->state = WAL_CLOSED;
	wal->retry_at_us = now_us + backoff_next_us(&wal->backoff);
	return WAL_LOST;
}

struct wal *wal_new(enum wal_kind kind, const char *conninfo)
{
	struct wal *wal = calloc(1, sizeof(*wal));
	if (wal == NULL)
		fatal("out of memory");
	wal->kind = kind;
	wal->conninfo = conninfo;
	return wal;
}

void wal_free(struct wal *wal)
{
	if (wal == NULL)
		return;
	int64_t until_us = time_mono_us() + FLUSH_MAX_MS * 1000;
	while (wal->want_write && wal->state != WAL_BROKEN && time_mono_us() < until_us) {
		struct pollfd fd = { .fd = PQsocket(wal->conn), .events = POLLOUT };
		poll(&fd, 1, FLUSH_MAX_MS);
		wal_flush(wal);
	}
	wal_close(wal);
	free(wal);
}

void wal_poll(const struct wal *wal, bool paused, struct pollfd *fd, int64_t *wake_us)
{
	*fd = (struct pollfd){ .fd = -1 };
	int64_t due_us = INT64_MAX;
	switch (wal->state) {
	case WAL_BROKEN:
		due_us = 0;
		break;
	case WAL_CLOSED:
		due_us = wal->retry_at_us;
		break;
	case WAL_CONNECTING:
		due_us = wal->deadline_us;
		fd->events = wal->connect_events;
		break;
	case WAL_COPYING:
		fd->events = paused ? 0 : POLLIN;
		break;
	default:
		fd->events = POLLIN;
		break;
	}
	if (wal->want_write)
		fd->events |= POLLOUT;
	/* without anything asked for poll would still report a hang-up, again and again */
	if (wal->conn != NULL && fd->events != 0)
		fd->fd = PQsocket(wal->conn);
	if (due_us < *wake_us)
		*wake_us = due_us;
}

enum wal_news wal_step(struct wal *wal, short revents, int64_t now_us)
{
	if (wal->state == WAL_CLOSED && now_us >= wal->retry_at_us)
		wal_connect(wal, now_us);
	else if (wal->state == WAL_CONNECTING) {
		enum wal_news news = step_connecting(wal, revents, now_us);
		if (news != WAL_NOTHING)
			return news;
	} else if (wal->state == WAL_IDLE || wal->state == WAL_BUSY || wal->state == WAL_COPYING) {
		if (wal->want_write)
			wal_flush(wal);
		if ((revents & (POLLIN | POLLERR | POLLHUP)) && wal->state != WAL_BROKEN &&
			!PQconsumeInput(wal->conn))
			wal_break(wal, PQerrorMessage(wal->conn));
		if (wal->state == WAL_BUSY) {
			enum wal_news news = step_busy(wal);
			if (news != WAL_NOTHING)
				return news;
		}
	}
	return wal->state == WAL_BROKEN ? step_broken(wal, now_us) : WAL_NOTHING;
}

void wal_send(struct wal *wal, const char *command)
{
	assert(wal->state == WAL_IDLE);
	answer_clear(wal);
	wal->sqlstate[0] = '\0';
	wal->reason[0] = '\0';
	wal->state = WAL_BUSY;
	if (PQsendQuery(wal->conn, command) == 0)
		wal_break(wal, PQerrorMessage(wal->conn));
	else
		wal_flush(wal);
}

int wal_rows(const struct wal *wal)
{
	return PQntuples(wal->answer);
}

const char *wal_value(const struct wal *wal, int row, const char *column)
{
	int number = PQfnumber(wal->answer, column);
	assert(number >= 0);
	return PQgetisnull(wal->answer, row, number) ? NULL : PQgetvalue(wal->answer, row, number);
}

const char *wal_sqlstate(const struct wal *wal)
{
	return wal->sqlstate;
}

const char *wal_reason(const struct wal *wal)
{
	return wal->reason;
}

/* The stream has ended: the server's reason, where it gave one. */
static void stream_end(struct wal *wal)
{
	const char *reason = "the server ended the stream";
	PGresult *result = PQisBusy(wal->conn) ? NULL : PQgetResult(wal->conn);
	sqlstate_set(wal, result);
	if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR)
		reason = PQresultErrorMessage(result);
	wal_break(wal, reason);
	PQclear(result);
}

enum err wal_frame(struct wal *wal, struct str *frame)
{
	if (wal->state != WAL_COPYING)
		return ERR_UNAVAILABLE;
	PQfreemem(wal->frame);
	wal->frame = NULL;
	int len = PQgetCopyData(wal->conn, &wal->frame, 1);
	if (len == 0)
		return ERR_NOT_FOUND;
	if (len < 0) {
		stream_end(wal);
		return ERR_UNAVAILABLE;
	}
	*frame = (struct str){ wal->frame, (size_t)len };
	return OK;
}

void wal_write(struct wal *wal, const char *bytes, int len)
{
	if (wal->state != WAL_COPYING)
		return;
	if (PQputCopyData(wal->conn, bytes, len) < 0)
		wal_break(wal, PQerrorMessage(wal->conn));
	else
		wal_flush(wal);
}

void wal_drop(struct wal *wal, const char *reason)
{
	if (wal->conn == NULL)
		return;
	wal->sqlstate[0] = '\0';
	wal_break(wal, reason);
}
