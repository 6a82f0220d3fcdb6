/*
 * Publishes in two forms; see the header.
 */
#include "push/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "push/broker/control.h"

enum {
	PUBLISH_MAX_BYTES = 523264, /* the broker closes the connection on a packet above 512 KiB */
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
	struct buf text;
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
	buf_free(&fanout->text);
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

static void publish(
	struct fanout *fanout, const struct mqtt_message *message, fanout_noted noted, void *ctx)
{
	int mid = 0;
	if (mqtt_publish(fanout->mqtt, message, &mid) == OK && message->qos > 0 && noted != NULL)
		noted(ctx, mid);
}

/* What is in fanout->text goes to the plugin. */
static void control(struct fanout *fanout, int qos, fanout_noted noted, void *ctx)
{
	struct mqtt_message message = {
		.topic = TOPIC_CONTROL,
		.payload = { fanout->text.data, fanout->text.len },
		.qos = qos,
	};
	publish(fanout, &message, noted, ctx);
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

static enum err deliver_control(
	struct fanout *fanout, const struct delivery *delivery, fanout_noted noted, void *ctx)
{
	struct buf *text = &fanout->text;
	size_t step = ids_max(delivery->payload.len);
	if (step == 0 || delivery->nrecipients > step * fanout->bounds->burst)
		return ERR_TOO_LARGE;
	for (size_t from = 0; from < delivery->nrecipients; from += step) {
		size_t left = delivery->nrecipients - from;
		buf_reset(text, KEEP_BYTES);
		buf_printf(text, "deliver %s %d %u\n", topic_names[delivery->topic], delivery->qos,
			delivery->expiry_s);
		ids_write(text, delivery->recipients + from, left < step ? left : step);
		buf_add(text, delivery->payload.ptr, delivery->payload.len);
		control(fanout, delivery->qos, noted, ctx);
	}
	return OK;
}

static enum err deliver_publish(
	struct fanout *fanout, const struct delivery *delivery, fanout_noted noted, void *ctx)
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
		publish(fanout, &message, noted, ctx);
	}
	return OK;
}

enum err fanout_deliver(
	struct fanout *fanout, const struct delivery *delivery, fanout_noted noted, void *ctx)
{
	return fanout->has_plugin ? deliver_control(fanout, delivery, noted, ctx)
				  : deliver_publish(fanout, delivery, noted, ctx);
}

void fanout_revoke(struct fanout *fanout, int64_t until_s, const struct uuid *sessions,
	size_t count, fanout_noted noted, void *ctx)
{
	for (size_t from = 0; from < count; from += CONTROL_RECIPIENTS_MAX) {
		size_t left = count - from;
		buf_reset(&fanout->text, KEEP_BYTES);
		buf_printf(&fanout->text, "revoke %lld\n", (long long)until_s);
		ids_write(&fanout->text, sessions + from,
			left < CONTROL_RECIPIENTS_MAX ? left : CONTROL_RECIPIENTS_MAX);
		control(fanout, 1, noted, ctx);
	}
}

void fanout_open(struct fanout *fanout)
{
	buf_reset(&fanout->text, KEEP_BYTES);
	buf_add_string(&fanout->text, "open\n\n");
	control(fanout, 1, NULL, NULL);
}

void fanout_resync(
	struct fanout *fanout, int window_ms, struct str payload, fanout_noted noted, void *ctx)
{
	buf_reset(&fanout->text, KEEP_BYTES);
	buf_printf(&fanout->text, "resync %d\n\n", window_ms);
	buf_add(&fanout->text, payload.ptr, payload.len);
	control(fanout, 1, noted, ctx);
}
