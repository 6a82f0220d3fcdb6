/*
 * The connection to the broker: MQTT 3.1.1 by libmosquitto, in the caller's loop, without a thread.
 * It knows topics and payloads, nothing of events. Only this file sees libmosquitto.
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

/* Not connected yet. conf, metrics and ctx are borrowed. ERR_INTERNAL, logged, when the secret
 * cannot be read. *out is owned by the caller. */
must_check enum err mqtt_new(const struct conf *conf, struct metrics *metrics, mqtt_acked acked,
	void *ctx, struct mqtt **out);

/* Takes leave of the broker. NULL is legal. */
void mqtt_free(struct mqtt *mqtt);

/* What to poll for, and when to come back at the latest: lowers *wake_us. */
void mqtt_poll(const struct mqtt *mqtt, struct pollfd *fd, int64_t *wake_us);

/* Reads, writes, keeps alive, connects again. revents: what poll said. */
void mqtt_run(struct mqtt *mqtt, short revents, int64_t now_us);

/* The broker has accepted us, and nothing is known against it. */
bool mqtt_ready(const struct mqtt *mqtt);

/* One QoS 1 publish, copied; *mid is what acked will be called with. Only when mqtt_ready.
 * ERR_INTERNAL when libmosquitto will not have it; then it is not on its way. */
must_check enum err mqtt_publish(
	struct mqtt *mqtt, const char *topic, struct str payload, int *mid);

#endif
