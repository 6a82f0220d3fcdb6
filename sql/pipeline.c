/*
 * Statements that nobody waits for (pipeline.h). Called by push/command/.
 */
#include "sql/pipeline.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/time.h"
#include "sql/connect.h"
#include "sql/result.h"
#include "sql/rows.h"

enum {
	DEPTH = 16,	      /* statements sent on one connection and not answered */
	WORTH_CONNECTING = 4, /* statements on one connection, before another is made */
	LANES = 4096,	      /* lanes of one remainder are one */
	LATE_US = 50000,      /* what takes longer holds nobody else up */
	UNSENT_MAX_US = 2000000,
	CONNECT_MAX_US = 2000000,
	RETRY_US = 100000,
	/* the server ends a statement at its timeout; one that is silent for so much longer hangs */
	SILENCE_US = 2000000,
};

enum link_state {
	LINK_CLOSED, /* until retry_at_us */
	LINK_CONNECTING,
	LINK_READY,
};

struct queue {
	struct pending *first, *last;
	size_t count;
};

struct link {
	enum link_state state;
	PGconn *conn;
	short connect_events;
	bool want_write;
	int64_t retry_at_us;
	int64_t connecting_us; /* since when */
	int64_t looked_us;     /* when it was gone through last */
	int64_t oldest_us;     /* since when the oldest of those sent is the oldest */
	struct queue sent;     /* oldest first, in the order of their answers */
	struct queue waiting;  /* to be sent */
	bool prepared[Q__MAX];
};

/* Where the statements of a lane are: all on one connection. */
struct lane {
	struct link *link;
	size_t count;
	size_t nsent; /* among them */
};

struct pipeline {
	const char *conninfo;
	const char *application;
	int statement_timeout_ms;
	size_t count;
	bool told_away;
	struct lane lanes[LANES];
	int nlinks;
	struct link links[];
};

/* --- queues ----------------------------------------------------------------------------------- */

static void queue_add(struct queue *queue, struct pending *pending)
{
	pending->next = NULL;
	*(queue->first != NULL ? &queue->last->next : &queue->first) = pending;
	queue->last = pending;
	queue->count++;
}

static struct pending *queue_take(struct queue *queue)
{
	struct pending *pending = queue->first;
	if (pending == NULL)
		return NULL;
	queue->first = pending->next;
	queue->count--;
	return pending;
}

/* What was in back comes behind what is in front, in front. */
static void queue_join(struct queue *front, struct queue *back)
{
	struct pending *pending;
	while ((pending = queue_take(back)) != NULL)
		queue_add(front, pending);
}

/* --- which connection -------------------------------------------------------------------------- */

static struct lane *lane_of(struct pipeline *pipeline, const struct pending *pending)
{
	return &pipeline->lanes[pending->lane % LANES];
}

/* Its oldest statement, or connecting, takes so long that nothing else should have to wait for it. */
static bool link_is_late(const struct link *link, int64_t now_us)
{
	if (link->state == LINK_CONNECTING)
		return now_us - link->connecting_us >= LATE_US;
	return link->sent.first != NULL && now_us - link->sent.first->sent_us >= LATE_US;
}

static bool link_is_lost(const struct link *link, int64_t now_us)
{
	return link->state == LINK_CLOSED && now_us < link->retry_at_us;
}

/* More is worse: how much it has to do, that it has to be made first, that it is late, that it was lost just now. */
static size_t link_burden(const struct link *link, int64_t now_us)
{
	size_t burden = link->sent.count + link->waiting.count;
	if (link->state != LINK_READY)
		burden += WORTH_CONNECTING;
	if (link_is_late(link, now_us))
		burden += 1000000;
	if (link_is_lost(link, now_us))
		burden += 2000000;
	return burden;
}

static struct link *link_pick(struct pipeline *pipeline, int64_t now_us)
{
	struct link *best = &pipeline->links[0];
	for (int i = 1; i < pipeline->nlinks; i++) {
		struct link *link = &pipeline->links[i];
		if (link_burden(link, now_us) < link_burden(best, now_us))
			best = link;
	}
	return best;
}

/* Behind those of its lane, wherever these are. */
static void pending_place(struct pipeline *pipeline, struct pending *pending, int64_t now_us)
{
	struct lane *lane = lane_of(pipeline, pending);
	if (lane->count == 0)
		lane->link = link_pick(pipeline, now_us);
	lane->count++;
	queue_add(&lane->link->waiting, pending);
}

/* --- answers ----------------------------------------------------------------------------------- */

static void pending_answer(struct pipeline *pipeline, struct pending *pending, enum err err)
{
	PGresult *result = pending->result;
	struct rows rows = { result, queries[pending->call.query].name };
	pending->result = NULL;
	lane_of(pipeline, pending)->count--;
	pipeline->count--;
	pending->answer(pending->ctx, err, err == OK ? &rows : NULL);
	PQclear(result);
}

/* The oldest statement's results are all there. */
static void link_answered(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	struct pending *pending = queue_take(&link->sent);
	enum query query = pending->call.query;
	ExecStatusType status = PQresultStatus(pending->result);
	enum err err;
	lane_of(pipeline, pending)->nsent--;
	link->oldest_us = now_us;
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		err = result_check_rows(query, pending->result);
	else
		err = result_err(link->conn, pending->result, queries[query].name);
	pending_answer(pipeline, pending, err);
}

/* Of the results of one statement the first that failed counts, else the last. */
static void result_keep(struct pending *pending, PGresult *result)
{
	/* libpq calls no result a failed one */
	if (pending->result != NULL && PQresultStatus(pending->result) == PGRES_FATAL_ERROR) {
		PQclear(result);
		return;
	}
	PQclear(pending->result);
	pending->result = result;
}

static void link_result(struct link *link, struct pending *pending, PGresult *result)
{
	if (pending->prepares) {
		/* the first is that of preparing it, which stays whatever comes of running it */
		pending->prepares = false;
		link->prepared[pending->call.query] = PQresultStatus(result) == PGRES_COMMAND_OK;
	}
	result_keep(pending, result);
}

/* False: the connection has to be given up. */
static bool link_results(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	while (link->sent.first != NULL && !PQisBusy(link->conn)) {
		PGresult *result = PQgetResult(link->conn);
		if (result == NULL)
			continue; /* between two statements */
		if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
			link_result(link, link->sent.first, result);
			continue;
		}
		PQclear(result);
		bool outdated = result_is_outdated(link->sent.first->result);
		link_answered(pipeline, link, now_us);
		if (outdated)
			return false;
	}
	return true;
}

/* --- the connection ---------------------------------------------------------------------------- */

/* What was under way goes first on the next connection. */
static void link_lose(
	struct pipeline *pipeline, struct link *link, const char *reason, int64_t now_us)
{
	char line[RESULT_LINE_BYTES];
	if (!pipeline->told_away)
		log_warn("the database is away for commands",
			LOG_STR("reason", result_first_line(reason, line)));
	pipeline->told_away = true;
	PQfinish(link->conn);
	link->conn = NULL;
	link->state = LINK_CLOSED;
	link->want_write = false;
	link->retry_at_us = now_us + RETRY_US;
	memset(link->prepared, 0, sizeof(link->prepared));
	for (struct pending *p = link->sent.first; p != NULL; p = p->next) {
		PQclear(p->result);
		p->result = NULL;
		lane_of(pipeline, p)->nsent--;
	}
	queue_join(&link->sent, &link->waiting);
	link->waiting = link->sent;
	link->sent = (struct queue){ 0 };
}

static void link_flush(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	int left = PQflush(link->conn);
	if (left < 0)
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
	else
		link->want_write = left > 0;
}

static void link_connect(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	struct connect_params params;
	connect_params(
		pipeline->conninfo, pipeline->application, pipeline->statement_timeout_ms, &params);
	link->conn = PQconnectStartParams(params.keys, params.values, 1);
	if (link->conn == NULL)
		fatal("out of memory");
	if (PQstatus(link->conn) == CONNECTION_BAD) {
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
		return;
	}
	PQsetNoticeReceiver(link->conn, result_notice, NULL);
	link->state = LINK_CONNECTING;
	link->connect_events = POLLOUT;
	link->connecting_us = now_us;
}

static void link_connecting(
	struct pipeline *pipeline, struct link *link, short revents, int64_t now_us)
{
	if (now_us - link->connecting_us >= CONNECT_MAX_US) {
		link_lose(pipeline, link, "the server did not answer in time", now_us);
		return;
	}
	if ((revents & (link->connect_events | POLLERR | POLLHUP)) == 0)
		return;
	switch (PQconnectPoll(link->conn)) {
	case PGRES_POLLING_READING:
		link->connect_events = POLLIN;
		return;
	case PGRES_POLLING_WRITING:
		link->connect_events = POLLOUT;
		return;
	case PGRES_POLLING_OK:
		break;
	default:
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
		return;
	}
	if (PQsetnonblocking(link->conn, 1) != 0 || PQenterPipelineMode(link->conn) != 1) {
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
		return;
	}
	link->state = LINK_READY;
	pipeline->told_away = false;
}

/* --- sending ----------------------------------------------------------------------------------- */

/* False when libpq will not have it: the connection is bad. */
static bool pending_send(struct link *link, struct pending *pending)
{
	const struct call *call = &pending->call;
	const struct query_text *text = &queries[call->query];
	struct encoded encoded;
	params_encode(call->query, call->nparams, call->params, &encoded);
	pending->prepares = !link->prepared[call->query];
	if (pending->prepares && !PQsendPrepare(link->conn, text->name, text->sql, 0, NULL))
		return false;
	link->prepared[call->query] = true;
	return PQsendQueryPrepared(link->conn, text->name, call->nparams, encoded.values,
		       encoded.lengths, encoded.formats, 1) &&
	       PQpipelineSync(link->conn);
}

static void link_send(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	bool sent = false;
	while (link->waiting.first != NULL && link->sent.count < DEPTH &&
		!link_is_late(link, now_us)) {
		struct pending *pending = queue_take(&link->waiting);
		pending->sent_us = now_us;
		if (link->sent.first == NULL)
			link->oldest_us = now_us;
		lane_of(pipeline, pending)->nsent++;
		queue_add(&link->sent, pending);
		if (!pending_send(link, pending)) {
			link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
			return;
		}
		sent = true;
	}
	if (sent)
		link_flush(pipeline, link, now_us);
}

/* What waits for a connection that is late or lost goes elsewhere. A lane with something sent here stays. */
static void link_unload(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	struct queue waiting = link->waiting, leaving = { 0 };
	struct pending *pending;
	link->waiting = (struct queue){ 0 };
	while ((pending = queue_take(&waiting)) != NULL) {
		struct lane *lane = lane_of(pipeline, pending);
		if (lane->nsent == 0)
			lane->count--;
		queue_add(lane->nsent == 0 ? &leaving : &link->waiting, pending);
	}
	while ((pending = queue_take(&leaving)) != NULL)
		pending_place(pipeline, pending, now_us);
}

/* What has waited for too long, in any order: lanes of a lost connection are of different ages. */
static void link_expire(struct pipeline *pipeline, struct link *link, int64_t now_us)
{
	struct queue waiting = link->waiting;
	struct pending *pending;
	link->waiting = (struct queue){ 0 };
	while ((pending = queue_take(&waiting)) != NULL) {
		if (now_us - pending->submitted_us < UNSENT_MAX_US)
			queue_add(&link->waiting, pending);
		else
			pending_answer(pipeline, pending, ERR_UNAVAILABLE);
	}
}

static void link_ready(struct pipeline *pipeline, struct link *link, short revents, int64_t now_us)
{
	int64_t silence_us = (int64_t)pipeline->statement_timeout_ms * 1000 + SILENCE_US;
	if (link->want_write)
		link_flush(pipeline, link, now_us);
	if (link->state == LINK_READY && (revents & (POLLIN | POLLERR | POLLHUP)) != 0 &&
		!PQconsumeInput(link->conn)) {
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
		return;
	}
	if (link->state == LINK_READY && !link_results(pipeline, link, now_us))
		link_lose(pipeline, link, "what was prepared is out of date", now_us);
	if (link->state == LINK_READY && PQstatus(link->conn) != CONNECTION_OK)
		link_lose(pipeline, link, PQerrorMessage(link->conn), now_us);
	else if (link->sent.first != NULL && now_us - link->oldest_us >= silence_us)
		link_lose(pipeline, link, "the server does not answer", now_us);
}

static void link_run(struct pipeline *pipeline, struct link *link, short revents, int64_t now_us)
{
	link->looked_us = now_us;
	if (link->state == LINK_CLOSED && link->waiting.first != NULL &&
		now_us >= link->retry_at_us)
		link_connect(pipeline, link, now_us);
	else if (link->state == LINK_CONNECTING)
		link_connecting(pipeline, link, revents, now_us);
	else if (link->state == LINK_READY)
		link_ready(pipeline, link, revents, now_us);
	if (link->waiting.first != NULL &&
		(link_is_late(link, now_us) || link_is_lost(link, now_us)))
		link_unload(pipeline, link, now_us);
}

/* --- from outside ------------------------------------------------------------------------------ */

struct pipeline *pipeline_new(
	const char *conninfo, const char *application, int statement_timeout_ms, int nlinks)
{
	struct pipeline *pipeline =
		calloc(1, sizeof(*pipeline) + (size_t)nlinks * sizeof(pipeline->links[0]));
	if (pipeline == NULL)
		fatal("out of memory");
	pipeline->conninfo = conninfo;
	pipeline->application = application;
	pipeline->statement_timeout_ms = statement_timeout_ms;
	pipeline->nlinks = nlinks;
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	for (int i = 0; i < pipeline->nlinks; i++) {
		struct link *link = &pipeline->links[i];
		struct pending *pending;
		queue_join(&link->sent, &link->waiting);
		while ((pending = queue_take(&link->sent)) != NULL)
			pending_answer(pipeline, pending, ERR_UNAVAILABLE);
		PQfinish(link->conn);
	}
	free(pipeline);
}

void pipeline_submit(struct pipeline *pipeline, struct pending *pending, int64_t now_us)
{
	pending->result = NULL;
	pending->submitted_us = now_us;
	pending_place(pipeline, pending, now_us);
	pipeline->count++;
}

size_t pipeline_count(const struct pipeline *pipeline)
{
	return pipeline->count;
}

/* When a link has to be looked at without anything having come. */
static int64_t link_due_us(const struct pipeline *pipeline, const struct link *link)
{
	bool waits = link->waiting.first != NULL;
	if (link->state == LINK_CLOSED)
		return waits ? link->retry_at_us : INT64_MAX;
	if (link->state == LINK_READY && link->sent.first == NULL)
		return waits ? 0 : INT64_MAX;
	if (waits)
		return link->looked_us + LATE_US;
	if (link->state == LINK_CONNECTING)
		return link->connecting_us + CONNECT_MAX_US;
	return link->oldest_us + (int64_t)pipeline->statement_timeout_ms * 1000 + SILENCE_US;
}

size_t pipeline_poll(const struct pipeline *pipeline, struct pollfd *fds, int64_t *wake_us)
{
	for (int i = 0; i < pipeline->nlinks; i++) {
		const struct link *link = &pipeline->links[i];
		int64_t due_us = link_due_us(pipeline, link);
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (link->state == LINK_CONNECTING)
			fds[i].events = link->connect_events;
		if (link->want_write)
			fds[i].events |= POLLOUT;
		if (link->conn != NULL)
			fds[i].fd = PQsocket(link->conn);
		if (due_us < *wake_us)
			*wake_us = due_us;
	}
	return (size_t)pipeline->nlinks;
}

void pipeline_run(struct pipeline *pipeline, const struct pollfd *fds, int64_t now_us)
{
	for (int i = 0; i < pipeline->nlinks; i++)
		link_run(pipeline, &pipeline->links[i], fds[i].revents, now_us);
	/* afterwards, as it may have come from one that was gone through later */
	for (int i = 0; i < pipeline->nlinks; i++) {
		struct link *link = &pipeline->links[i];
		if (link->state == LINK_READY)
			link_send(pipeline, link, now_us);
		if (link->waiting.first != NULL)
			link_expire(pipeline, link, now_us);
	}
}
