/*
 * Everybody told to sync, by the plugin or one by one; see the header.
 */
#include "push/resync.h"

#include <stdlib.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/model/event.h"
#include "lib/time.h"
#include "sql/store/session.h"

enum {
	PAGES = 200, /* in the window, at least; with fewer people one page each */
	PAGE_MAX = 1000,
	/* More are told at the pace of so many, and the window is exceeded: a broker takes no more in ten seconds. */
	PEOPLE_MAX = PAGES * PAGE_MAX,
	RETRY_US = 500000,
	KEEP_BYTES = 1024,
};

enum resync_state {
	RESYNC_IDLE,
	RESYNC_DUE,	 /* waits for room */
	RESYNC_COUNTING, /* the people, which gives the pace */
	RESYNC_PAGING,
};

struct resync {
	const struct conf *conf;
	struct events *events;
	const struct fanout *fanout;
	struct pipeline *pipeline;
	struct metrics *metrics;
	enum resync_state state;
	struct pending pending;
	bool asking;
	uint64_t round; /* counts the beginnings */
	uint64_t asked; /* of which round the answer will be */
	int64_t begun_us;
	int64_t due_us;
	size_t people; /* as counted */
	size_t told;
	struct uuid after; /* the last of the page before */
	struct buf payload;
	struct uuid ids[PAGE_MAX];
};

/* --- the pace --------------------------------------------------------------------------------- */

static size_t page_size(size_t people)
{
	size_t size = people / PAGES + 1;
	return size < PAGE_MAX ? size : PAGE_MAX;
}

/* When it is the turn of those behind the ones told, from the beginning on. */
static int64_t turn_us(size_t told, size_t people, int window_ms)
{
	return people == 0 ? 0 : (int64_t)told * window_ms * 1000 / (int64_t)people;
}

/* --- what is told ----------------------------------------------------------------------------- */

static struct str payload_write(struct buf *text)
{
	buf_reset(text, KEEP_BYTES);
	event_write_sync(text, "slot_lost");
	return (struct str){ text->data, text->len };
}

/* --- people, page by page --------------------------------------------------------------------- */

static void ask(struct resync *resync, struct call call, pipeline_answer answer)
{
	resync->asking = true;
	resync->asked = resync->round;
	resync->pending.call = call;
	resync->pending.lane = 0;
	resync->pending.answer = answer;
	resync->pending.ctx = resync;
	pipeline_submit(resync->pipeline, &resync->pending, time_mono_us());
}

/* False: the same has to be asked again, later when the database is away. */
static bool answer_is_good(struct resync *resync, enum err err)
{
	resync->asking = false;
	if (err != OK)
		resync->due_us = time_mono_us() + RETRY_US;
	return err == OK && resync->asked == resync->round;
}

static void page_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct resync *resync = ctx;
	size_t count;
	/* without room, because the broker went away: the page is read again when it is back */
	if (!answer_is_good(resync, err) || !events_have_room(resync->events))
		return;
	session_people_answer(rows, resync->ids, PAGE_MAX, &count);
	events_sync(resync->events, resync->ids, count,
		(struct str){ resync->payload.data, resync->payload.len });
	resync->told += count;
	resync->due_us = resync->begun_us +
			 turn_us(resync->told, resync->people, resync->conf->resync_window_ms);
	if (count < page_size(resync->people)) {
		resync->state = RESYNC_IDLE;
		log_info("everybody is told to sync", LOG_INT("people", resync->told));
		return;
	}
	resync->after = resync->ids[count - 1];
}

static void count_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct resync *resync = ctx;
	if (!answer_is_good(resync, err))
		return;
	resync->people = session_people_count_answer(rows);
	resync->state = RESYNC_PAGING;
	resync->begun_us = resync->due_us = time_mono_us();
}

static void next_ask(struct resync *resync)
{
	int64_t ttl_s = resync->conf->token_ttl_s;
	if (resync->state == RESYNC_COUNTING)
		ask(resync, session_people_count_call(ttl_s, PEOPLE_MAX), count_answered);
	else
		ask(resync, session_people_call(ttl_s, &resync->after, page_size(resync->people)),
			page_answered);
}

/* --- from outside ----------------------------------------------------------------------------- */

struct resync *resync_new(const struct conf *conf, struct events *events,
	const struct fanout *fanout, struct pipeline *pipeline, struct metrics *metrics)
{
	struct resync *resync = calloc(1, sizeof(*resync));
	if (resync == NULL)
		fatal("out of memory");
	resync->conf = conf;
	resync->events = events;
	resync->fanout = fanout;
	resync->pipeline = pipeline;
	resync->metrics = metrics;
	return resync;
}

void resync_free(struct resync *resync)
{
	if (resync == NULL)
		return;
	buf_free(&resync->payload);
	free(resync);
}

void resync_begin(struct resync *resync)
{
	resync->round++;
	resync->state = RESYNC_DUE;
	resync->due_us = 0;
}

bool resync_told(const struct resync *resync)
{
	return resync->state == RESYNC_IDLE && events_outstanding(resync->events) == 0;
}

/* What is due makes no sense to be done now: until an answer or the broker has come. */
static bool resync_waits(const struct resync *resync)
{
	return resync->state == RESYNC_IDLE || resync->asking || !events_have_room(resync->events);
}

void resync_poll(const struct resync *resync, int64_t *wake_us)
{
	if (!resync_waits(resync) && resync->due_us < *wake_us)
		*wake_us = resync->due_us;
}

void resync_run(struct resync *resync, int64_t now_us)
{
	if (resync_waits(resync) || now_us < resync->due_us)
		return;
	if (resync->state != RESYNC_DUE) {
		next_ask(resync);
		return;
	}
	struct str payload = payload_write(&resync->payload);
	resync->metrics->values[METRIC_RESYNCS]++;
	if (fanout_has_plugin(resync->fanout)) {
		events_resync(resync->events, payload);
		resync->state = RESYNC_IDLE;
		return;
	}
	resync->state = RESYNC_COUNTING;
	resync->after = (struct uuid){ { 0 } };
	resync->told = 0;
}
