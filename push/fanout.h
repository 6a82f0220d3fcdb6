/*
 * From one payload to the topics of many people. With the plugin (setting broker_fanout = control) it is one publish
 * to $CONTROL/parley/v1, in the form of push/broker/control.h, and the broker delivers; with any other broker (publish)
 * it is a publish to users/<id>/<topic> of each. Called by event.c, replies and typing; knows nothing of what it carries.
 */
#ifndef PUSH_FANOUT_H
#define PUSH_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/text.h"
#include "lib/topic.h"
#include "push/mqtt.h"

struct fanout;

/* A payload and where it goes. */
struct delivery {
	enum topic_name topic;
	int qos;	   /* 0 or 1 */
	uint32_t expiry_s; /* MQTT 5 message expiry; 0: none */
	const struct uuid *recipients;
	size_t nrecipients;
	struct str payload;
};

/* Told of each publish that the broker will acknowledge. */
typedef void (*fanout_noted)(void *ctx, int mid);

/* conf and mqtt are borrowed. Owned by the caller. */
struct fanout *fanout_new(const struct conf *conf, struct mqtt *mqtt);
void fanout_free(struct fanout *fanout);

/* Does the broker have the plugin: can it revoke, gate and tell everybody to sync? */
bool fanout_has_plugin(const struct fanout *fanout);

/* How many publishes one delivery may need at most, and how many may be under way. */
size_t fanout_burst(const struct fanout *fanout);
size_t fanout_window(const struct fanout *fanout);

/* Hands it to the broker; only when mqtt_ready. noted may be NULL. ERR_TOO_LARGE: it does not fit into what the
 * broker takes, and nothing was published. */
must_check enum err fanout_deliver(
	struct fanout *fanout, const struct delivery *delivery, fanout_noted noted, void *ctx);

/* To the plugin alone; noted as above. Sessions whose tokens are refused until the second until_s of the wall clock. */
void fanout_revoke(struct fanout *fanout, int64_t until_s, const struct uuid *sessions,
	size_t count, fanout_noted noted, void *ctx);

/* All that is revoked has been told: people may connect. */
void fanout_open(struct fanout *fanout);

/* payload to everybody who is connected, on users/<id>/sync, spread over window_ms. */
void fanout_resync(
	struct fanout *fanout, int window_ms, struct str payload, fanout_noted noted, void *ctx);

#endif
