/*
 * A few connections to PostgreSQL for a caller who must not wait: statements are submitted, sent in
 * libpq's pipeline mode, and answered by a callback from pipeline_run. Each is a transaction of its
 * own.
 *
 * Statements of one lane (one conversation) run in the order in which they were submitted, because
 * they share a connection; others go to the connection with the least to do. So a statement that waits
 * for a lock holds up its own lane, not the others: a connection whose oldest statement is late gets no
 * more, and what it has not sent yet moves away, as from one that is lost or cannot be made.
 *
 * When a connection is lost, what it had under way is sent again on the next: only statements that have
 * one effect however often they run may be submitted.
 */
#ifndef SQL_PIPELINE_H
#define SQL_PIPELINE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "sql/call.h"

struct pipeline;
struct rows;

/* What a statement came to; errors as of db_run_params. rows is valid during the call, and NULL with an
 * error. ERR_UNAVAILABLE also when it could not be sent in time. */
typedef void (*pipeline_answer)(void *ctx, enum err err, const struct rows *rows);

/* A statement under way; the caller's, who keeps it and what its call borrows until the answer. */
struct pending {
	struct call call;
	uint64_t lane;
	pipeline_answer answer;
	void *ctx;

	/* the pipeline's own */
	struct pending *next;
	void *result;
	int64_t submitted_us;
	int64_t sent_us;
	bool prepares; /* its first result is that of preparing it */
};

enum {
	PIPELINE_LINKS_MAX = 16
};

/* nlinks connections, made when there is something to do; conninfo and application are borrowed. Owned by
 * the caller. */
struct pipeline *pipeline_new(
	const char *conninfo, const char *application, int statement_timeout_ms, int nlinks);

/* Closes the connections; what is under way is answered with ERR_UNAVAILABLE. NULL is legal. */
void pipeline_free(struct pipeline *pipeline);

/* Takes a statement on; pending->call, lane, answer and ctx are set. The answer never comes from within
 * this call. */
void pipeline_submit(struct pipeline *pipeline, struct pending *pending, int64_t now_us);

/* Statements under way. */
size_t pipeline_count(const struct pipeline *pipeline);

/* What to poll for, one entry a connection, and when to come back at the latest: lowers *wake_us. The number of
 * entries written, at most PIPELINE_LINKS_MAX. */
size_t pipeline_poll(const struct pipeline *pipeline, struct pollfd *fds, int64_t *wake_us);

/* Goes on as far as can be without waiting. fds: those of pipeline_poll after poll. */
void pipeline_run(struct pipeline *pipeline, const struct pollfd *fds, int64_t now_us);

#endif
