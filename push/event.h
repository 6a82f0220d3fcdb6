/*
 * Events on their way from the WAL to the broker: a record is read (lib/model/event.h), published
 * in the form of push/broker/control.h, and what is outstanding is kept account of (inflight.h).
 * Called by stream.c with what the WAL holds, and by mqtt.c with what the broker has acknowledged.
 */
#ifndef PUSH_EVENT_H
#define PUSH_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text.h"
#include "push/lsn.h"
#include "push/metrics.h"
#include "push/mqtt.h"

struct events;

/* metrics is borrowed. Owned by the caller; not before events_attach is there room for any. */
struct events *events_new(struct metrics *metrics);
void events_free(struct events *events);

/* Where they go; borrowed. */
void events_attach(struct events *events, struct mqtt *mqtt);

/* May another record be taken? Not without the broker, with a full window, or after events_stop. */
bool events_have_room(const struct events *events);

/* Publishes what a record of the WAL says. One that cannot be read is logged without its content,
 * counted and left out: it must not stop those behind it. commit_us: when its transaction was
 * committed. Only when there is room. */
void events_take(struct events *events, struct str record, lsn_t lsn, int64_t commit_us);

/* The transaction is over. */
void events_commit(struct events *events, lsn_t end);

/* Everybody is told to sync, spread over window_ms. Only when there is room. */
void events_resync(struct events *events, int window_ms);

/* The stream begins anew; see inflight_restart. */
void events_restart(struct events *events);

/* Takes no more. */
void events_stop(struct events *events);

/* Up to where the WAL may be confirmed, and how many publishes are not acknowledged. */
lsn_t events_confirmed(const struct events *events);
size_t events_outstanding(const struct events *events);

/* When the last record came, by time_mono_us; 0: none yet. */
int64_t events_last_us(const struct events *events);

/* A PUBACK; of the type mqtt_acked. */
void events_acked(void *ctx, int mid);

#endif
