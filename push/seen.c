/*
 * Snapshots, one at a time; see the header.
 */
#include "push/seen.h"

#include <stdlib.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/time.h"
#include "sql/pipeline.h"
#include "sql/store/transaction.h"

enum {
	/* between two that do not show what is waited for: a commit that is flushed is seen within microseconds, or when a
	 * replica has it */
	AGAIN_MIN_US = 500,
	AGAIN_MAX_US = 20000,
};

struct seen {
	struct pipeline *pipeline;
	struct pending pending;
	struct buf snapshot; /* the last; empty: none */
	bool asking;
	bool outdated; /* what is asked for is of a stream before */
	bool failed;   /* the last could not be had */
	int64_t ask_at_us;
	int64_t pause_us; /* before the next but one */
};

/* Reads a number and what follows it; false: there is none. */
static bool number_take(struct str *rest, char end, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;
	for (; i < rest->len && rest->ptr[i] >= '0' && rest->ptr[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(rest->ptr[i] - '0');
	if (i == 0 || (i < rest->len && rest->ptr[i] != end))
		return false;
	i += i < rest->len;
	*rest = (struct str){ rest->ptr + i, rest->len - i };
	*out = value;
	return true;
}

/* With the epoch that brings it nearest to xmax. */
static uint64_t xid_widen(uint32_t xid, uint64_t xmax)
{
	int32_t behind = (int32_t)((uint32_t)xmax - xid);
	return xmax - (uint64_t)(int64_t)behind;
}

/* Is it shown by a snapshot in the text form of pg_snapshot, "xmin:xmax:xid,xid"? A number without its epoch is taken for the
 * nearest to xmax. False for what is no snapshot. */
static bool snapshot_shows(struct str snapshot, uint32_t xid)
{
	uint64_t xmin, xmax, running;
	if (!number_take(&snapshot, ':', &xmin) || !number_take(&snapshot, ':', &xmax))
		return false;
	uint64_t wide = xid_widen(xid, xmax);
	if (wide >= xmax)
		return false;
	while (snapshot.len > 0) {
		if (!number_take(&snapshot, ',', &running) || running == wide)
			return false;
	}
	return true;
}

static void snapshot_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct seen *seen = ctx;
	int64_t now_us = time_mono_us();
	seen->asking = false;
	if (seen->outdated) {
		seen->ask_at_us = 0;
		seen->outdated = false;
		return;
	}
	seen->failed = err != OK;
	if (seen->failed)
		return;
	struct str text = transaction_snapshot_answer(rows);
	seen->snapshot.len = 0;
	buf_add(&seen->snapshot, text.ptr, text.len);
	seen->ask_at_us = now_us + seen->pause_us;
	seen->pause_us = seen->pause_us == 0 ? AGAIN_MIN_US : 2 * seen->pause_us;
	if (seen->pause_us > AGAIN_MAX_US)
		seen->pause_us = AGAIN_MAX_US;
}

struct seen *seen_new(const struct conf *conf)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	if (seen == NULL)
		fatal("out of memory");
	seen->pipeline = pipeline_new(
		conf->rest_database, "parley-push snapshots", conf->statement_timeout_ms, 1);
	return seen;
}

void seen_free(struct seen *seen)
{
	if (seen == NULL)
		return;
	pipeline_free(seen->pipeline);
	buf_free(&seen->snapshot);
	free(seen);
}

bool seen_covers(const struct seen *seen, uint32_t xid)
{
	return snapshot_shows((struct str){ seen->snapshot.data, seen->snapshot.len }, xid);
}

bool seen_failed(const struct seen *seen)
{
	return seen->failed;
}

void seen_ask(struct seen *seen, bool is_new, int64_t now_us)
{
	struct pollfd nothing = { .fd = -1 };
	if (is_new)
		seen->ask_at_us = seen->pause_us = 0;
	if (seen->asking || now_us < seen->ask_at_us)
		return;
	seen->asking = true;
	seen->pending.call = transaction_snapshot_call();
	seen->pending.answer = snapshot_answered;
	seen->pending.ctx = seen;
	pipeline_submit(seen->pipeline, &seen->pending, now_us);
	/* it leaves now, not after a turn of the loop */
	pipeline_run(seen->pipeline, &nothing, now_us);
}

void seen_reset(struct seen *seen)
{
	seen->snapshot.len = 0;
	seen->outdated = seen->asking;
	seen->failed = false;
	seen->ask_at_us = seen->pause_us = 0;
}

void seen_poll(const struct seen *seen, struct pollfd *fd, bool held, int64_t *wake_us)
{
	if (held && !seen->asking && seen->ask_at_us < *wake_us)
		*wake_us = seen->ask_at_us;
	pipeline_poll(seen->pipeline, fd, wake_us);
}

void seen_run(struct seen *seen, const struct pollfd *fd, int64_t now_us)
{
	pipeline_run(seen->pipeline, fd, now_us);
}
