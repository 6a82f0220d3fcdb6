/*
 * Tells what is in the table of steps, page by page, and then that people may come in; see the header.
 */
#include "push/gate.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/time.h"
#include "sql/store/block.h"
#include "sql/store/identity.h"
#include "sql/store/session.h"
#include "sql/store/user.h"

enum {
	PAGE = 1000,
	KEEP_BYTES = 65536,
	/* what a broker keeps; of who is beyond, a token that lets in is found out after it has */
	BARRED_MOST = 100000,
	RETRY_US = 500000,
};

/* In the table of steps; it is told again when they change. */
enum {
	STEP_KEYS = 2
};

struct gate {
	const struct conf *conf;
	struct events *events;
	struct fanout *fanout;
	struct pipeline *pipeline;
	struct pending pending;
	bool asking;
	uint64_t epoch;	 /* as it is now */
	uint64_t asked;	 /* for which epoch all is told */
	uint64_t opened; /* for which it has been told */
	uint64_t asked_changes;
	int64_t ask_at_us;
	size_t step; /* what is told now; GATE_STEPS: all has been */
	/* the last row of its page before: by id, by time and id, or by two ids */
	struct uuid after;
	struct uuid after_second;
	int64_t after_us;
	size_t told; /* rows of this step, and of all */
	size_t told_all;
	uint64_t keys_asked, keys_told; /* as of which change of them */
	struct arena *arena;		/* of one answer */
	struct buf document;
	struct uuid ids[2 * PAGE];
};

/* --- what is told ------------------------------------------------------------------------------- */

static struct call revoked_call(const struct gate *gate)
{
	return session_revoked_call(gate->conf->token_ttl_s + EVENTS_SKEW_S, &gate->after, PAGE);
}

static size_t revoked_tell(struct gate *gate, const struct rows *rows)
{
	size_t count;
	int64_t until_us;
	session_revoked_answer(rows, gate->ids, PAGE, &count, &until_us);
	events_revoke(gate->events, gate->ids, count, until_us);
	gate->after = count > 0 ? gate->ids[count - 1] : gate->after;
	return count;
}

static struct call barred_call(const struct gate *gate)
{
	return user_barred_call(gate->after_us, &gate->after, PAGE);
}

static size_t barred_tell(struct gate *gate, const struct rows *rows)
{
	size_t count;
	user_barred_answer(rows, gate->ids, PAGE, &count, &gate->after_us);
	events_bar(gate->events, gate->ids, count);
	gate->after = count > 0 ? gate->ids[count - 1] : gate->after;
	return count;
}

static struct call keys_call(const struct gate *gate)
{
	(void)gate;
	return identity_keys_call();
}

static size_t keys_tell(struct gate *gate, const struct rows *rows)
{
	struct identity_key *keys;
	size_t count;
	struct buf *document = &gate->document;
	arena_reset(gate->arena);
	identity_keys_answer(rows, gate->arena, &keys, &count);
	buf_reset(document, KEEP_BYTES);
	identity_document_write(document, gate->conf, keys, count);
	events_keys(gate->events, (struct str){ document->data, document->len });
	gate->keys_told = gate->keys_asked;
	return count;
}

static struct call blocked_call(const struct gate *gate)
{
	const struct uuid after[] = { gate->after, gate->after_second };
	return block_page_call(after, PAGE);
}

static size_t blocked_tell(struct gate *gate, const struct rows *rows)
{
	size_t count;
	block_page_answer(rows, gate->ids, PAGE, &count);
	events_block(gate->events, gate->ids, count);
	if (count > 0) {
		gate->after = gate->ids[2 * count - 2];
		gate->after_second = gate->ids[2 * count - 1];
	}
	return count;
}

/* In this order. Each is read in pages of PAGE rows, behind gate->after, which telling moves on. */
static const struct step {
	struct call (*call)(const struct gate *gate);
	size_t (*tell)(struct gate *gate, const struct rows *rows); /* how many rows came */
	size_t most; /* rows that are told, in whole pages */
} steps[] = {
	{ revoked_call, revoked_tell, SIZE_MAX },
	{ barred_call, barred_tell, BARRED_MOST },
	[STEP_KEYS] = { keys_call, keys_tell, 0 },
	{ blocked_call, blocked_tell, SIZE_MAX },
};
enum {
	GATE_STEPS = sizeof(steps) / sizeof(steps[0])
};

bool gate_is_open(const struct gate *gate)
{
	return !fanout_has_plugin(gate->fanout) ||
	       (gate->epoch != 0 && gate->epoch == gate->opened);
}

/* --- page by page ------------------------------------------------------------------------------- */

static void step_begin(struct gate *gate, size_t step)
{
	gate->step = step;
	gate->after = (struct uuid){ { 0 } };
	gate->after_second = (struct uuid){ { 0 } };
	gate->after_us = TIME_NONE;
	gate->told = 0;
}

static void page_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct gate *gate = ctx;
	gate->asking = false;
	gate->ask_at_us = err != OK ? time_mono_us() + RETRY_US : 0;
	/* Without room, or for a broker that is gone, it is asked again; and after a change, which was told already and
	 * would be told back. */
	if (err != OK || gate->asked != gate->epoch || !events_have_room(gate->events) ||
		gate->asked_changes != events_changes(gate->events))
		return;
	if (gate_is_open(gate)) {
		keys_tell(gate, rows);
		return;
	}
	const struct step *step = &steps[gate->step];
	size_t count = step->tell(gate, rows);
	gate->told += count;
	gate->told_all += count;
	if (count < PAGE || gate->told >= step->most)
		step_begin(gate, gate->step + 1);
}

static void page_ask(struct gate *gate, size_t step)
{
	gate->asking = true;
	gate->keys_asked = events_key_changes(gate->events);
	gate->asked_changes = events_changes(gate->events);
	gate->pending.call = steps[step].call(gate);
	gate->pending.lane = 0;
	gate->pending.answer = page_answered;
	gate->pending.ctx = gate;
	pipeline_submit(gate->pipeline, &gate->pending, time_mono_us());
}

static void open_tell(struct gate *gate)
{
	fanout_open(gate->fanout);
	gate->opened = gate->asked;
	log_info("people may connect", LOG_INT("told", gate->told_all));
}

/* --- from outside ------------------------------------------------------------------------------- */

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
	gate->arena = arena_new();
	return gate;
}

void gate_free(struct gate *gate)
{
	if (gate == NULL)
		return;
	arena_free(gate->arena);
	buf_free(&gate->document);
	free(gate);
}

/* Without room it is woken by the broker, which makes some. */
static bool gate_is_due(const struct gate *gate)
{
	return gate->epoch != 0 && fanout_has_plugin(gate->fanout) && !gate->asking &&
	       (!gate_is_open(gate) || gate->keys_told != events_key_changes(gate->events)) &&
	       events_have_room(gate->events);
}

void gate_poll(const struct gate *gate, int64_t *wake_us)
{
	if (gate_is_due(gate) && gate->ask_at_us < *wake_us)
		*wake_us = gate->ask_at_us;
}

/* What was told to a broker that is gone counts for nothing: then all of it is told anew. */
void gate_run(struct gate *gate, uint64_t epoch, int64_t now_us)
{
	gate->epoch = epoch;
	if (!gate_is_due(gate) || now_us < gate->ask_at_us)
		return;
	if (gate->asked != epoch) {
		gate->asked = epoch;
		gate->told_all = 0;
		events_anew(gate->events);
		step_begin(gate, 0);
	}
	if (gate_is_open(gate))
		page_ask(gate, STEP_KEYS);
	else if (gate->step == GATE_STEPS)
		open_tell(gate);
	else
		page_ask(gate, gate->step);
}
