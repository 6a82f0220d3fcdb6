/*
 * Reads the sessions that ended lately, page by page; see the header.
 */
#include "push/gate.h"

#include <stdlib.h>

#include "lib/log.h"
#include "lib/time.h"
#include "sql/store/session.h"

enum {
	PAGE = 1000,
	RETRY_US = 500000,
	SKEW_S = 60, /* between the clocks of the hosts */
};

struct gate {
	const struct conf *conf;
	struct events *events;
	struct fanout *fanout;
	struct pipeline *pipeline;
	struct pending pending;
	bool asking;
	uint64_t epoch;	 /* as it is now */
	uint64_t asked;	 /* for which epoch the pages are read */
	uint64_t opened; /* for which all has been told */
	int64_t ask_at_us;
	struct uuid after; /* the last id of the page before */
	size_t count;
	struct uuid ids[PAGE];
};

static void page_answered(void *ctx, enum err err, const struct rows *rows);

static void page_ask(struct gate *gate)
{
	gate->asking = true;
	gate->pending.call =
		session_revoked_call(gate->conf->token_ttl_s + SKEW_S, &gate->after, PAGE);
	gate->pending.lane = 0;
	gate->pending.answer = page_answered;
	gate->pending.ctx = gate;
	pipeline_submit(gate->pipeline, &gate->pending, time_mono_us());
}

static void page_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct gate *gate = ctx;
	size_t count;
	gate->asking = false;
	if (err != OK || gate->asked != gate->epoch) {
		/* anew: of what was told to a broker that is gone nothing counts */
		gate->ask_at_us = err != OK ? time_mono_us() + RETRY_US : 0;
		return;
	}
	session_revoked_answer(rows, gate->ids, PAGE, &count);
	events_revoke(gate->events, gate->ids, count);
	gate->count += count;
	if (count == PAGE) {
		gate->after = gate->ids[count - 1];
		page_ask(gate);
		return;
	}
	fanout_open(gate->fanout);
	gate->opened = gate->asked;
	log_info("people may connect", LOG_INT("revoked_sessions", gate->count));
}

struct gate *gate_new(const struct conf *conf, struct events *events, struct fanout *fanout,
	struct pipeline *pipeline)
{
	struct gate *gate = calloc(1, sizeof(*gate));
	if (gate == NULL)
		fatal("out of memory");
	gate->conf = conf;
	gate->events = events;
	gate->fanout = fanout;
	gate->pipeline = pipeline;
	return gate;
}

void gate_free(struct gate *gate)
{
	free(gate);
}

bool gate_is_open(const struct gate *gate)
{
	return !fanout_has_plugin(gate->fanout) ||
	       (gate->epoch != 0 && gate->epoch == gate->opened);
}

static bool gate_is_due(const struct gate *gate)
{
	return gate->epoch != 0 && !gate_is_open(gate) && !gate->asking;
}

void gate_poll(const struct gate *gate, int64_t *wake_us)
{
	if (gate_is_due(gate) && gate->ask_at_us < *wake_us)
		*wake_us = gate->ask_at_us;
}

void gate_run(struct gate *gate, uint64_t epoch, int64_t now_us)
{
	gate->epoch = epoch;
	if (!gate_is_due(gate) || now_us < gate->ask_at_us)
		return;
	gate->asked = epoch;
	gate->after = (struct uuid){ { 0 } };
	gate->count = 0;
	page_ask(gate);
}
