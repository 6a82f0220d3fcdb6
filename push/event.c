/*
 * From record to publish; see the header.
 */
#include "push/event.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/json_read.h"
#include "lib/json_write.h"
#include "lib/log.h"
#include "lib/model/event.h"
#include "lib/time.h"
#include "push/broker/control.h"
#include "push/inflight.h"

enum {
	WINDOW = 4000,		    /* publishes outstanding; message ids are 16 bits */
	PUBLISHES_MAX = 256,	    /* of one event */
	PUBLISH_MAX_BYTES = 523264, /* the broker closes the connection on a packet above 512 KiB */
	HEAD_MAX_BYTES = 64,
	RECIPIENT_BYTES = UUID_TEXT_LEN + 1,
	TYPE_MAX_BYTES = 64,
	RECORD_DEPTH_MAX = 16,
	KEEP_BYTES = 65536,
};

struct events {
	struct mqtt *mqtt;
	struct metrics *metrics;
	struct inflight *inflight;
	struct arena *arena; /* of one record */
	struct buf payload;
	struct buf publish;
	int64_t last_us;
	bool stopped;
};

struct events *events_new(struct metrics *metrics)
{
	struct events *events = calloc(1, sizeof(*events));
	if (events == NULL)
		fatal("out of memory");
	events->metrics = metrics;
	events->inflight = inflight_new(WINDOW, PUBLISHES_MAX);
	events->arena = arena_new();
	return events;
}

void events_free(struct events *events)
{
	if (events == NULL)
		return;
	inflight_free(events->inflight);
	arena_free(events->arena);
	buf_free(&events->payload);
	buf_free(&events->publish);
	free(events);
}

void events_attach(struct events *events, struct mqtt *mqtt)
{
	events->mqtt = mqtt;
}

bool events_have_room(const struct events *events)
{
	return !events->stopped && events->mqtt != NULL && mqtt_ready(events->mqtt) &&
	       inflight_has_room(events->inflight);
}

/* What is in events->publish goes out. */
static void publish(struct events *events, int64_t since_us)
{
	int mid = 0;
	struct str text = { events->publish.data, events->publish.len };
	if (mqtt_publish(events->mqtt, TOPIC_CONTROL, text, &mid) != OK)
		return;
	inflight_publish(events->inflight, mid, since_us);
	events->metrics->values[METRIC_PUBLISHES]++;
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

/* How many recipients fit into one publish beside the payload. */
static size_t recipients_max(size_t payload_bytes)
{
	if (payload_bytes + HEAD_MAX_BYTES > PUBLISH_MAX_BYTES)
		return 0;
	size_t fit = (PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - payload_bytes) / RECIPIENT_BYTES;
	return fit < CONTROL_RECIPIENTS_MAX ? fit : CONTROL_RECIPIENTS_MAX;
}

static void deliver(
	struct events *events, const struct event *event, size_t from, size_t to, int64_t commit_us)
{
	struct buf *text = &events->publish;
	buf_reset(text, KEEP_BYTES);
	buf_printf(text, "deliver %s 1 0\n", topic_names[event_infos[event->type].topic]);
	for (size_t i = from; i < to; i++) {
		char id[UUID_TEXT_LEN + 1];
		uuid_format(&event->recipients[i], id);
		id[UUID_TEXT_LEN] = '\n';
		buf_add(text, id, sizeof(id));
	}
	buf_add_char(text, '\n');
	buf_add(text, events->payload.data, events->payload.len);
	publish(events, commit_us);
}

void events_take(struct events *events, struct str record, lsn_t lsn, int64_t commit_us)
{
	struct event event;
	const char *why = "";
	arena_reset(events->arena);
	events->last_us = time_mono_us();
	if (event_read(events->arena, record, &event, &why) != OK) {
		refuse(events, record, lsn, why);
		return;
	}
	buf_reset(&events->payload, KEEP_BYTES);
	event_write(&events->payload, &event);
	size_t step = recipients_max(events->payload.len);
	if (step == 0 || event.nrecipients > step * PUBLISHES_MAX) {
		refuse(events, record, lsn, "too large");
		return;
	}
	for (size_t from = 0; from < event.nrecipients; from += step) {
		size_t left = event.nrecipients - from;
		deliver(events, &event, from, from + (left < step ? left : step), commit_us);
	}
	events->metrics->events[event.type]++;
}

void events_commit(struct events *events, lsn_t end)
{
	inflight_commit(events->inflight, end);
}

void events_resync(struct events *events, int window_ms)
{
	struct buf *text = &events->publish;
	struct uuid id;
	uuid_new(&id);
	buf_reset(text, KEEP_BYTES);
	buf_printf(text, "resync %d\n\n", window_ms);
	json_write_object(text);
	json_write_key(text, "type");
	json_write_string(text, "sync.required");
	json_write_key(text, "event_id");
	json_write_uuid(text, &id);
	json_write_key(text, "at");
	json_write_time(text, time_now_us());
	json_write_key(text, "data");
	json_write_object(text);
	json_write_key(text, "reason");
	json_write_string(text, "slot_lost");
	json_write_object_end(text);
	json_write_object_end(text);
	publish(events, 0);
	events->metrics->values[METRIC_RESYNCS]++;
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
	if (inflight_ack(events->inflight, mid, &since_us) != OK)
		return;
	events->metrics->values[METRIC_ACKNOWLEDGED]++;
	if (since_us != 0)
		metrics_observe_push(events->metrics, time_now_us() - since_us);
}
