/*
 * The connection to the broker: by libmosquitto, in the caller's loop, without a thread. MQTT 3.1.1 to our plugin, which
 * has a form of its own for all that 5 adds; MQTT 5 to a broker without it, for the expiry of messages.
 * It knows topics and payloads, nothing of events or commands. Only this file sees libmosquitto.
 *
 * What is published stays in libmosquitto until its PUBACK, and is sent again after each reconnect;
 * so every publish is acknowledged in the end, if the process lives. Publishing is for when
 * mqtt_ready says so, and no other time: what libmosquitto takes before the CONNACK would overtake
 * what it has to repeat.
 */
#ifndef PUSH_MQTT_H
#define PUSH_MQTT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/text.h"
#include "push/metrics.h"

struct mqtt;

/* Called for each PUBACK. */
typedef void (*mqtt_acked)(void *ctx, int mid);

/* Called for each message on a topic that was subscribed; both are borrowed for the call. retained: it was kept by
 * the broker, and nobody has just sent it. */
typedef void (*mqtt_received)(void *ctx, struct str topic, struct str payload, bool retained);

struct mqtt_handlers {
	mqtt_acked acked;
	void *acked_ctx;
	mqtt_received received;
	void *received_ctx;
};

/* A publish; what it points to is borrowed for the call. */
struct mqtt_message {
	const char *topic;
	struct str payload;
	int qos;	   /* 0 or 1 */
	uint32_t expiry_s; /* 0: none; MQTT 5 alone */
};

/* Not connected yet. conf and metrics are borrowed. ERR_INTERNAL, logged, when the secret cannot be
 * read. *out is owned by the caller, who names the handlers before mqtt_run. */
must_check enum err mqtt_new(const struct conf *conf, struct metrics *metrics, struct mqtt **out);

/* Who is called, from mqtt_run alone; what they name is borrowed. */
void mqtt_handle(struct mqtt *mqtt, const struct mqtt_handlers *handlers);

/* Takes leave of the broker. NULL is legal. */
void mqtt_free(struct mqtt *mqtt);

/* What to poll for, and when to come back at the latest: lowers *wake_us. */
void mqtt_poll(const struct mqtt *mqtt, struct pollfd *fd, int64_t *wake_us);

/* Reads, writes, keeps alive, connects again. revents: what poll said. */
void mqtt_run(struct mqtt *mqtt, short revents, int64_t now_us);

/* The broker has accepted us, and nothing is known against it. */
bool mqtt_ready(const struct mqtt *mqtt);

/* Counts the connections made: another number means that the broker may have forgotten everything. */
uint64_t mqtt_epoch(const struct mqtt *mqtt);

/* Is filter (a literal; QoS 1) wanted, now and after each connect? Of several the one is asked for first that was wanted first. */
void mqtt_subscribe(struct mqtt *mqtt, const char *filter, bool wanted);

/* One publish, copied; with QoS 1 *mid is what acked will be called with. Only when mqtt_ready.
 * ERR_INTERNAL when libmosquitto will not have it; then it is not on its way. */
must_check enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message, int *mid);

#endif
