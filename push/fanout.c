/*
 * Publishes in two forms; see the header.
 */
#include "push/fanout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "push/broker/control.h"

enum {
	PUBLISH_MAX_BYTES = 523264, /* the broker closes the connection on a packet above 512 KiB */
	BATCH_MAX_BYTES = 131072,   /* more is not collected for one publish */
	HEAD_MAX_BYTES = 64,
	ID_LINE_BYTES = UUID_TEXT_LEN + 1,
	KEEP_BYTES = 65536,
};

/* Of one delivery, and outstanding; message ids are 16 bits. A group has at most 4096 members. */
struct fanout_bounds {
	size_t burst;
	size_t window;
};
static const struct fanout_bounds control_bounds = { 256, 4000 };
static const struct fanout_bounds publish_bounds = { 4096, 8192 };

struct fanout {
	struct mqtt *mqtt;
	bool has_plugin;
	const struct fanout_bounds *bounds;
	struct fanout_watch watch;
	struct buf batch; /* for the plugin, and not sent yet */
	bool awaited;	  /* somebody waits for the acknowledgement of something in it */
};

struct fanout *fanout_new(const struct conf *conf, struct mqtt *mqtt)
{
	struct fanout *fanout = calloc(1, sizeof(*fanout));
	if (fanout == NULL)
		fatal("out of memory");
	fanout->mqtt = mqtt;
	fanout->has_plugin = conf->broker_fanout == BROKER_FANOUT_CONTROL;
	fanout->bounds = fanout->has_plugin ? &control_bounds : &publish_bounds;
	return fanout;
}

void fanout_free(struct fanout *fanout)
{
	if (fanout == NULL)
		return;
	buf_free(&fanout->batch);
	free(fanout);
}

bool fanout_has_plugin(const struct fanout *fanout)
{
	return fanout->has_plugin;
}

size_t fanout_burst(const struct fanout *fanout)
{
	return fanout->bounds->burst;
}

size_t fanout_window(const struct fanout *fanout)
{
	return fanout->bounds->window;
}

static void note(struct fanout *fanout)
{
	fanout->watch.noted(fanout->watch.ctx);
}

/* A publish that cannot be made at all will not be acknowledged: 0 is no message id, and lets nobody wait. */
static void publish(struct fanout *fanout, const struct mqtt_message *message, bool awaited)
{
	int mid = 0;
	if (mqtt_publish(fanout->mqtt, message, &mid) != OK)
		mid = 0;
	if (awaited)
		fanout->watch.sent(fanout->watch.ctx, mid);
}

static void control_publish(struct fanout *fanout, struct str text, int qos, bool awaited)
{
	struct mqtt_message message = { .topic = TOPIC_CONTROL, .payload = text, .qos = qos };
	publish(fanout, &message, awaited);
}

void fanout_watch(struct fanout *fanout, const struct fanout_watch *watch)
{
	fanout->watch = *watch;
}

void fanout_flush(struct fanout *fanout)
{
	struct str text = { fanout->batch.data, fanout->batch.len };
	if (text.len == 0 || !mqtt_ready(fanout->mqtt))
		return;
	control_publish(fanout, text, 1, fanout->awaited);
	buf_reset(&fanout->batch, KEEP_BYTES);
	fanout->awaited = false;
}

/* Where the next bytes for the plugin go; in one publish with what is there, when both fit. */
static struct buf *batch_extend(struct fanout *fanout, size_t bytes, bool awaited)
{
	if (fanout->batch.len > 0 && fanout->batch.len + bytes > BATCH_MAX_BYTES)
		fanout_flush(fanout);
	fanout->awaited |= awaited;
	if (awaited)
		note(fanout);
	return &fanout->batch;
}

static void ids_write(struct buf *text, const struct uuid *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char id[UUID_TEXT_LEN + 1];
		uuid_format(&ids[i], id);
		id[UUID_TEXT_LEN] = '\n';
		buf_add(text, id, sizeof(id));
	}
	buf_add_char(text, '\n');
}

/* How many ids fit into one publish beside the payload. */
static size_t ids_max(size_t payload_bytes)
{
	if (payload_bytes + HEAD_MAX_BYTES > PUBLISH_MAX_BYTES)
		return 0;
	size_t fit = (PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - payload_bytes) / ID_LINE_BYTES;
	return fit < CONTROL_RECIPIENTS_MAX ? fit : CONTROL_RECIPIENTS_MAX;
}

static void deliver_write(
	struct buf *text, const struct delivery *delivery, size_t from, size_t count)
{
	buf_printf(text, "deliver %s %d %u %zu\n", topic_names[delivery->topic], delivery->qos,
		delivery->expiry_s, delivery->payload.len);
	ids_write(text, delivery->recipients + from, count);
	buf_add(text, delivery->payload.ptr, delivery->payload.len);
}

/* What is worth nothing when it is late is not sent again, so it leaves alone. */
static void deliver_once(
	struct fanout *fanout, const struct delivery *delivery, size_t from, size_t count)
{
	struct buf text = { 0 };
	deliver_write(&text, delivery, from, count);
	fanout_flush(fanout);
	control_publish(fanout, (struct str){ text.data, text.len }, 0, false);
	buf_free(&text);
}

static enum err deliver_control(
	struct fanout *fanout, const struct delivery *delivery, bool awaited)
{
	size_t step = ids_max(delivery->payload.len);
	if (step == 0 || delivery->nrecipients > step * fanout->bounds->burst)
		return ERR_TOO_LARGE;
	for (size_t from = 0; from < delivery->nrecipients; from += step) {
		size_t left = delivery->nrecipients - from;
		size_t count = left < step ? left : step;
		size_t bytes = HEAD_MAX_BYTES + count * ID_LINE_BYTES + delivery->payload.len;
		if (delivery->qos == 0)
			deliver_once(fanout, delivery, from, count);
		else
			deliver_write(batch_extend(fanout, bytes, awaited), delivery, from, count);
	}
	return OK;
}

static enum err deliver_publish(
	struct fanout *fanout, const struct delivery *delivery, bool awaited)
{
	if (delivery->payload.len + HEAD_MAX_BYTES > PUBLISH_MAX_BYTES ||
		delivery->nrecipients > fanout->bounds->burst)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < delivery->nrecipients; i++) {
		char topic[TOPIC_USER_BYTES];
		topic_user(&delivery->recipients[i], delivery->topic, topic);
		struct mqtt_message message = {
			.topic = topic,
			.payload = delivery->payload,
			.qos = delivery->qos,
			.expiry_s = delivery->expiry_s,
		};
		if (awaited)
			note(fanout);
		publish(fanout, &message, awaited);
	}
	return OK;
}

enum err fanout_deliver(struct fanout *fanout, const struct delivery *delivery, bool awaited)
{
	return fanout->has_plugin ? deliver_control(fanout, delivery, awaited)
				  : deliver_publish(fanout, delivery, awaited);
}

/* One line, and ids below it; in as many as they take, each with an even number of them. */
_Static_assert(CONTROL_RECIPIENTS_MAX % 2 == 0, "a pair is not torn");
static void list_send(
	struct fanout *fanout, const char *line, const struct uuid *ids, size_t count, bool awaited)
{
	for (size_t from = 0; from < count; from += CONTROL_RECIPIENTS_MAX) {
		size_t left = count - from;
		size_t step = left < CONTROL_RECIPIENTS_MAX ? left : CONTROL_RECIPIENTS_MAX;
		struct buf *text =
			batch_extend(fanout, HEAD_MAX_BYTES + step * ID_LINE_BYTES, awaited);
		buf_add_string(text, line);
		ids_write(text, ids + from, step);
	}
}

void fanout_revoke(
	struct fanout *fanout, int64_t until_s, const struct uuid *sessions, size_t count)
{
	char line[HEAD_MAX_BYTES];
	snprintf(line, sizeof(line), "revoke %lld\n", (long long)until_s);
	list_send(fanout, line, sessions, count, true);
}

void fanout_bar(struct fanout *fanout, const struct uuid *users, size_t count)
{
	list_send(fanout, "bar\n", users, count, true);
}

void fanout_unbar(struct fanout *fanout, const struct uuid *users, size_t count)
{
	list_send(fanout, "unbar\n", users, count, true);
}

void fanout_known(struct fanout *fanout, const struct uuid *sessions, size_t count)
{
	list_send(fanout, "known\n", sessions, count, false);
}

enum err fanout_keys(struct fanout *fanout, struct str document)
{
	if (document.len + HEAD_MAX_BYTES > PUBLISH_MAX_BYTES)
		return ERR_TOO_LARGE;
	struct buf *text = batch_extend(fanout, HEAD_MAX_BYTES + document.len, true);
	buf_printf(text, "keys %zu\n\n", document.len);
	buf_add(text, document.ptr, document.len);
	return OK;
}

void fanout_block(struct fanout *fanout, const struct uuid *pairs, size_t npairs)
{
	list_send(fanout, "block\n", pairs, 2 * npairs, true);
}

void fanout_unblock(struct fanout *fanout, const struct uuid *pairs, size_t npairs)
{
	list_send(fanout, "unblock\n", pairs, 2 * npairs, true);
}

void fanout_anew(struct fanout *fanout)
{
	buf_add_string(batch_extend(fanout, HEAD_MAX_BYTES, true), "anew\n\n");
}

void fanout_open(struct fanout *fanout)
{
	/* with QoS 1 it would be sent again after a reconnect: to a broker that may have been told nothing else */
	fanout_flush(fanout);
	control_publish(fanout, STR("open\n\n"), 0, false);
}

void fanout_resync(struct fanout *fanout, int window_ms, struct str payload)
{
	struct buf *text = batch_extend(fanout, HEAD_MAX_BYTES + payload.len, true);
	buf_printf(text, "resync %d %zu\n\n", window_ms, payload.len);
	buf_add(text, payload.ptr, payload.len);
}
