/*
 * From record to publish; see the header.
 */
#include "push/event.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/json_read.h"
#include "lib/log.h"
#include "lib/model/event.h"
#include "lib/time.h"
#include "push/inflight.h"

enum {
	TYPE_MAX_BYTES = 64,
	RECORD_DEPTH_MAX = 16,
	KEEP_BYTES = 65536,
	OTHERS_MAX_S = 86400,
	VIEWS_MAX = 32,	  /* in how many ways people may have reacted to one message */
	MID_NONE = 65536, /* message ids are below */
};

struct events {
	const struct conf *conf;
	const struct mqtt *mqtt;
	struct fanout *fanout;
	struct typing *typing;
	struct metrics *metrics;
	struct inflight *inflight;
	struct arena *arena; /* of one record */
	struct buf payload;
	int64_t since_us; /* of the publishes being made: when their transaction was committed */
	int64_t last_us;
	uint64_t changes; /* see events_changes */
	uint64_t key_changes;
	bool stopped;
};

/* A publish is made: its transaction is not confirmed before it is acknowledged. */
static void publish_noted(void *ctx)
{
	struct events *events = ctx;
	inflight_publish(events->inflight, events->since_us);
	events->metrics->values[METRIC_PUBLISHES]++;
}

static void publish_sent(void *ctx, int mid)
{
	struct events *events = ctx;
	inflight_sent(events->inflight, mid > 0 ? mid : MID_NONE);
	/* libmosquitto would not have it, and has said so: nothing to wait for */
	if (mid == 0)
		events_acked(events, MID_NONE);
}

struct events *events_new(const struct conf *conf, const struct mqtt *mqtt, struct fanout *fanout,
	struct typing *typing, struct metrics *metrics)
{
	struct events *events = calloc(1, sizeof(*events));
	if (events == NULL)
		fatal("out of memory");
	events->conf = conf;
	events->mqtt = mqtt;
	events->fanout = fanout;
	events->typing = typing;
	events->metrics = metrics;
	/* a record is a delivery, or several of which each begins a publish of its own */
	events->inflight =
		inflight_new(fanout_window(fanout), fanout_burst(fanout) + VIEWS_MAX + 1);
	events->arena = arena_new();
	const struct fanout_watch watch = { publish_noted, publish_sent, events };
	fanout_watch(fanout, &watch);
	return events;
}

void events_free(struct events *events)
{
	if (events == NULL)
		return;
	inflight_free(events->inflight);
	arena_free(events->arena);
	buf_free(&events->payload);
	free(events);
}

bool events_have_room(const struct events *events)
{
	return !events->stopped && mqtt_ready(events->mqtt) && inflight_has_room(events->inflight);
}

/* The type that a refused record names, where it names one that looks like a type. */
static const char *record_type(struct events *events, struct str record)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_.";
	char why[JSON_WHY_BYTES];
	struct str raw;
	if (json_scan(record, RECORD_DEPTH_MAX, why) != OK || !json_raw(record, "type", &raw) ||
		raw.len < 3 || raw.ptr[0] != '"' || raw.len > TYPE_MAX_BYTES)
		return "unknown";
	const char *type = arena_strndup(events->arena, raw.ptr + 1, raw.len - 2);
	return strspn(type, letters) == strlen(type) ? type : "unknown";
}

static void refuse(struct events *events, struct str record, lsn_t lsn, const char *why)
{
	char lsn_text[LSN_TEXT_BYTES];
	lsn_format(lsn, lsn_text);
	log_error("a record was left out", LOG_STR("type", record_type(events, record)),
		LOG_STR("wrong", why), LOG_STR("lsn", lsn_text));
	events->metrics->values[METRIC_REFUSED]++;
}

/* What has been written to the payload, to these. */
static enum err payload_deliver(struct events *events, enum topic_name topic,
	const struct uuid *recipients, size_t nrecipients)
{
	struct delivery delivery = {
		.topic = topic,
		.qos = 1,
		.recipients = recipients,
		.nrecipients = nrecipients,
		.payload = { events->payload.data, events->payload.len },
	};
	return fanout_deliver(events->fanout, &delivery, true);
}

/* Those of the views behind VIEWS_MAX are told to sync, so that a large message in a large group is not written once for each. */
static enum err rest_sync(struct events *events, const struct event *event)
{
	size_t count = 0, most = 0;
	for (size_t i = VIEWS_MAX; i < event->nviews; i++)
		most += event->views[i].nrecipients;
	struct uuid *people = arena_calloc(events->arena, most + 1, sizeof(*people));
	for (size_t i = VIEWS_MAX; i < event->nviews; i++) {
		const struct event_view *view = &event->views[i];
		memcpy(&people[count], view->recipients, view->nrecipients * sizeof(*people));
		count += view->nrecipients;
	}
	buf_reset(&events->payload, KEEP_BYTES);
	event_write_sync(&events->payload, "many_reactions");
	return payload_deliver(events, TOPIC_SYNC, people, count);
}

/* A message to those who have reacted to it: once for all who have reacted alike. */
static enum err views_deliver(struct events *events, const struct event *event)
{
	for (size_t i = 0; i < event->nviews && i < VIEWS_MAX; i++) {
		const struct event_view *view = &event->views[i];
		buf_reset(&events->payload, KEEP_BYTES);
		event_write_view(&events->payload, event, view);
		enum err err = payload_deliver(events, event_infos[event->type].topic,
			view->recipients, view->nrecipients);
		if (err != OK)
			return err;
	}
	return event->nviews > VIEWS_MAX ? rest_sync(events, event) : OK;
}

static enum err event_deliver(struct events *events, const struct event *event)
{
	buf_reset(&events->payload, KEEP_BYTES);
	event_write(&events->payload, event);
	enum err err = payload_deliver(
		events, event_infos[event->type].topic, event->recipients, event->nrecipients);
	return err == OK ? views_deliver(events, event) : err;
}

/* Until the last token of a session that ended just now has expired by itself: of ours, and of others until_us. They may live
 * for years, for which the plugin need not remember them: later somebody comes in by one, and is found out (identity.c). */
static int64_t revoked_until_s(const struct events *events, int64_t until_us)
{
	int64_t now_s = time_now_us() / 1000000;
	int64_t until_s = now_s + events->conf->token_ttl_s;
	int64_t others_s = until_us == TIME_NONE ? 0 : until_us / 1000000;
	if (others_s > now_s + OTHERS_MAX_S)
		others_s = now_s + OTHERS_MAX_S;
	return (others_s > until_s ? others_s : until_s) + EVENTS_SKEW_S;
}

static void sessions_revoke(
	struct events *events, const struct uuid *sessions, size_t count, int64_t until_us)
{
	if (fanout_has_plugin(events->fanout))
		fanout_revoke(events->fanout, revoked_until_s(events, until_us), sessions, count);
}

/* Nobody may come in as this user, or somebody may again. */
static void user_bar(struct events *events, const struct event *event)
{
	const struct uuid *user = &event->data.bar.user_id;
	events->changes++;
	if (!fanout_has_plugin(events->fanout))
		return;
	if (event->type == EVENT_USER_BARRED)
		fanout_bar(events->fanout, user, 1);
	else
		fanout_unbar(events->fanout, user, 1);
}

/* Who has blocked whom. */
static void user_block(struct events *events, const struct event *event)
{
	const struct uuid pair[] = { event->data.block.user_id, event->data.block.blocked_id };
	events->changes++;
	if (!fanout_has_plugin(events->fanout))
		return;
	if (event->type == EVENT_USER_BLOCKED)
		fanout_block(events->fanout, pair, 1);
	else
		fanout_unblock(events->fanout, pair, 1);
}

static enum err event_hand(struct events *events, const struct event *event)
{
	switch (event_infos[event->type].data) {
	case EVENT_DATA_REVOCATION:
		sessions_revoke(events, event->data.revocation.session_ids,
			event->data.revocation.nsessions, event->data.revocation.until_us);
		return OK;
	case EVENT_DATA_BAR:
		user_bar(events, event);
		return OK;
	case EVENT_DATA_BLOCK:
		user_block(events, event);
		return OK;
	case EVENT_DATA_KEYS:
		events->changes++;
		events->key_changes++;
		return OK;
	default:
		return event_deliver(events, event);
	}
}

void events_take(struct events *events, struct str record, lsn_t lsn, int64_t commit_us)
{
	struct event event;
	const char *why = "";
	arena_reset(events->arena);
	events->last_us = time_mono_us();
	events->since_us = commit_us;
	if (event_read(events->arena, record, &event, &why) != OK) {
		refuse(events, record, lsn, why);
		return;
	}
	typing_event(events->typing, &event);
	if (event_hand(events, &event) != OK) {
		refuse(events, record, lsn, "too large");
		return;
	}
	events->metrics->events[event.type]++;
}

void events_revoke(
	struct events *events, const struct uuid *sessions, size_t count, int64_t until_us)
{
	events->since_us = 0;
	sessions_revoke(events, sessions, count, until_us);
}

void events_turn_out(struct events *events, const struct uuid *session, int64_t until_us)
{
	int64_t most_s = time_now_us() / 1000000 + OTHERS_MAX_S, until_s = until_us / 1000000;
	events->since_us = 0;
	fanout_revoke(events->fanout, until_s < most_s ? until_s : most_s, session, 1);
}

void events_anew(struct events *events)
{
	events->since_us = 0;
	fanout_anew(events->fanout);
}

void events_bar(struct events *events, const struct uuid *users, size_t count)
{
	events->since_us = 0;
	fanout_bar(events->fanout, users, count);
}

void events_keys(struct events *events, struct str document)
{
	events->since_us = 0;
	if (fanout_keys(events->fanout, document) != OK)
		log_error("keys of identity providers are too large for the broker",
			LOG_INT("bytes", document.len));
}

uint64_t events_key_changes(const struct events *events)
{
	return events->key_changes;
}

void events_block(struct events *events, const struct uuid *pairs, size_t npairs)
{
	events->since_us = 0;
	fanout_block(events->fanout, pairs, npairs);
}

uint64_t events_changes(const struct events *events)
{
	return events->changes;
}

void events_commit(struct events *events, lsn_t end)
{
	inflight_commit(events->inflight, end);
}

void events_resync(struct events *events, struct str payload)
{
	events->since_us = 0;
	fanout_resync(events->fanout, events->conf->resync_window_ms, payload);
}

void events_sync(struct events *events, const struct uuid *users, size_t count, struct str payload)
{
	struct delivery delivery = {
		.topic = TOPIC_SYNC,
		.qos = 1,
		.recipients = users,
		.nrecipients = count,
		.payload = payload,
	};
	events->since_us = 0;
	if (fanout_deliver(events->fanout, &delivery, true) != OK)
		log_error("people could not be told to sync", LOG_INT("people", count));
}

void events_restart(struct events *events)
{
	inflight_restart(events->inflight);
}

void events_stop(struct events *events)
{
	events->stopped = true;
}

lsn_t events_confirmed(const struct events *events)
{
	return inflight_confirmed(events->inflight);
}

size_t events_outstanding(const struct events *events)
{
	return inflight_outstanding(events->inflight);
}

int64_t events_last_us(const struct events *events)
{
	return events->last_us;
}

void events_acked(void *ctx, int mid)
{
	struct events *events = ctx;
	int64_t since_us = 0;
	size_t count = 0;
	if (inflight_ack(events->inflight, mid, &since_us, &count) != OK)
		return;
	events->metrics->values[METRIC_ACKNOWLEDGED] += (int64_t)count;
	if (since_us != 0)
		metrics_observe_push(events->metrics, time_now_us() - since_us);
}
