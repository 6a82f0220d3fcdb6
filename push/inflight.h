/*
 * What is on its way to the broker, in the order of the WAL: publishes that wait for their PUBACK,
 * and between them the ends of transactions. A position of the WAL may be confirmed to PostgreSQL
 * when every publish before it is acknowledged, no sooner. Knows neither PostgreSQL nor MQTT.
 */
#ifndef PUSH_INFLIGHT_H
#define PUSH_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "push/lsn.h"

struct inflight;

/* A window of so many publishes; burst: how many may be added at once when there was room for one.
 * Owned by the caller. Ends the process when out of memory. */
struct inflight *inflight_new(size_t window, size_t burst);
void inflight_free(struct inflight *inflight);

/* May another burst be published? An acknowledged publish takes up room until all before it are
 * acknowledged too. */
bool inflight_has_room(const struct inflight *inflight);

/* A publish is about to leave, alone or with others in one packet; since_us is given back by inflight_ack. Only when there was
 * room. */
void inflight_publish(struct inflight *inflight, int64_t since_us);

/* All that were about to have left, with this message id, above 0. */
void inflight_sent(struct inflight *inflight, int mid);

/* All publishes of the transaction that ends at end have been noted. */
void inflight_commit(struct inflight *inflight, lsn_t end);

/* The broker has what left with this message id: the number of publishes to *count, what came with the first of them to
 * *since_us. ERR_NOT_FOUND when none waits. */
must_check enum err inflight_ack(
	struct inflight *inflight, int mid, int64_t *since_us, size_t *count);

/* Up to where everything is acknowledged; 0: nowhere yet. Moves back only by inflight_restart. */
lsn_t inflight_confirmed(const struct inflight *inflight);

/* Publishes that wait for their PUBACK. */
size_t inflight_outstanding(const struct inflight *inflight);

/* The WAL is read anew, maybe from another server: positions known so far mean nothing any more.
 * What is outstanding still waits for its PUBACK and takes up room, but confirms nothing of its
 * own. */
void inflight_restart(struct inflight *inflight);

#endif
