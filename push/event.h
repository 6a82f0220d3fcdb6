/*
 * Events on their way from the WAL to the broker: a record is read (lib/model/event.h), handed to the
 * broker (fanout.h), and what is outstanding is kept account of (inflight.h). Sessions that ended are
 * told to the plugin the same way.
 * Called by stream.c with what the WAL holds, and by mqtt.c with what the broker has acknowledged.
 */
#ifndef PUSH_EVENT_H
#define PUSH_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/text.h"
#include "push/fanout.h"
#include "push/lsn.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/typing.h"

struct events;

enum {
	/* the clocks of this host, of the workers' and of the broker's may differ by so much */
	EVENTS_SKEW_S = 60
};

/* Everything is borrowed; typing is told of what ends it. Owned by the caller. */
struct events *events_new(const struct conf *conf, const struct mqtt *mqtt, struct fanout *fanout,
	struct typing *typing, struct metrics *metrics);
void events_free(struct events *events);

/* May another record be taken? Not without the broker, with a full window, or after events_stop. */
bool events_have_room(const struct events *events);

/* Publishes what a record of the WAL says. One that cannot be read is logged without its content,
 * counted and left out: it must not stop those behind it. commit_us: when its transaction was
 * committed. Only when there is room. */
void events_take(struct events *events, struct str record, lsn_t lsn, int64_t commit_us);

/* Tokens of these sessions are refused from now on, and connections made with them closed, until ours have expired, and to
 * until_us if that is later (TIME_NONE: it is not). Only when there is room. */
void events_revoke(
	struct events *events, const struct uuid *sessions, size_t count, int64_t until_us);

/* The same of one that is in and may not be, until until_us and no longer, a day at most. */
void events_turn_out(struct events *events, const struct uuid *session, int64_t until_us);

/* For the gate: who is barred, and who has blocked whom, is told from here on, to the end of all that it tells; and a page of
 * them, pairs one behind the other. */
void events_anew(struct events *events);
void events_bar(struct events *events, const struct uuid *users, size_t count);
void events_block(struct events *events, const struct uuid *pairs, size_t npairs);

/* Identity providers and their keys, for the plugin. */
void events_keys(struct events *events, struct str document);

/* Counts the records that changed what the gate reads pages of, other than by adding to it: a page that was read before one
 * may say what is no longer so. */
uint64_t events_changes(const struct events *events);

/* Counts the records by which keys of identity providers have changed: they are to be read again. */
uint64_t events_key_changes(const struct events *events);

/* The transaction is over. */
void events_commit(struct events *events, lsn_t end);

/* payload, which tells to sync, to everybody who is connected, spread over resync_window_ms by the plugin; or to these
 * users, at once. Only when there is room. */
void events_resync(struct events *events, struct str payload);
void events_sync(struct events *events, const struct uuid *users, size_t count, struct str payload);

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
