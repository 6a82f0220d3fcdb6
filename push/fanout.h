/*
 * From one payload to the topics of many people. With the plugin (setting broker_fanout = control) it goes
 * to $CONTROL/parley/v1, in the form of push/broker/control.h, and the broker delivers; what is handed over between two
 * flushes leaves as one publish. With any other broker (publish) it is a publish to users/<id>/<topic> of each, at once.
 * Called by event.c, replies and typing; knows nothing of what it carries.
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

/* Told of each publish that the broker will acknowledge: noted when it is made; sent, of all that were noted since, when they have left,
 * with what the acknowledgement will name. */
struct fanout_watch {
	void (*noted)(void *ctx);
	void (*sent)(void *ctx, int mid);
	void *ctx;
};

/* conf and mqtt are borrowed. Owned by the caller. */
struct fanout *fanout_new(const struct conf *conf, struct mqtt *mqtt);
void fanout_free(struct fanout *fanout);

/* Who is told; one, before the first delivery. */
void fanout_watch(struct fanout *fanout, const struct fanout_watch *watch);

/* What was handed over leaves, if the broker is there; else it waits for the next time. To be called at the end of each turn of
 * the loop. */
void fanout_flush(struct fanout *fanout);

/* Does the broker have the plugin: can it revoke, gate and tell everybody to sync? */
bool fanout_has_plugin(const struct fanout *fanout);

/* How many publishes one delivery may need at most, and how many may be under way. */
size_t fanout_burst(const struct fanout *fanout);
size_t fanout_window(const struct fanout *fanout);

/* Hands it over; only when mqtt_ready. awaited: the watch is told, for somebody waits for the acknowledgement. ERR_TOO_LARGE: it does not
 * fit into what the broker takes, and nothing was handed over. */
must_check enum err fanout_deliver(
	struct fanout *fanout, const struct delivery *delivery, bool awaited);

/* To the plugin alone, awaited. Sessions whose tokens are refused until the second until_s of the wall clock. */
void fanout_revoke(
	struct fanout *fanout, int64_t until_s, const struct uuid *sessions, size_t count);

/* To the plugin alone, awaited. Users who may not connect, and are closed if they are; or may again. */
void fanout_bar(struct fanout *fanout, const struct uuid *users, size_t count);
void fanout_unbar(struct fanout *fanout, const struct uuid *users, size_t count);

/* To the plugin alone, not awaited; only when mqtt_ready. Nothing is against these sessions. */
void fanout_known(struct fanout *fanout, const struct uuid *sessions, size_t count);

/* To the plugin alone, awaited: identity providers and their keys, in the place of those before. ERR_TOO_LARGE: they do not fit into what
 * the broker takes. */
must_check enum err fanout_keys(struct fanout *fanout, struct str document);

/* To the plugin alone, awaited. Pairs, one behind the other: the first has blocked the second, who may not watch its presence; or
 * may again. */
void fanout_block(struct fanout *fanout, const struct uuid *pairs, size_t npairs);
void fanout_unblock(struct fanout *fanout, const struct uuid *pairs, size_t npairs);

/* To the plugin alone, awaited: all who are barred, and all blocks, are told from here on, up to fanout_open. */
void fanout_anew(struct fanout *fanout);

/* All that keeps somebody out has been told: people may connect. */
void fanout_open(struct fanout *fanout);

/* payload to everybody who is connected, on users/<id>/sync, spread over window_ms; awaited. */
void fanout_resync(struct fanout *fanout, int window_ms, struct str payload);

#endif
