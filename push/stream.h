/*
 * The WAL, from the connection to the confirmed position: finds or makes the slot, streams from it,
 * hands what it brings to event.c, and tells PostgreSQL up to where all is acknowledged. PostgreSQL
 * lets one process stream from a slot; whoever comes second stands by and asks each second.
 *
 * It streams only while the broker is there. When the broker is away for longer than a moment the
 * slot is released, so that a stand-by with a broker can take over and PostgreSQL need not wait for
 * us to shut down.
 */
#ifndef PUSH_STREAM_H
#define PUSH_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/conf.h"
#include "push/event.h"
#include "push/lsn.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/resync.h"
#include "push/seen.h"

struct stream;

enum stream_role {
	STREAM_NONE,	/* no database, or one that is not fit */
	STREAM_READY,	/* connected, on the way to one of the next */
	STREAM_STANDBY, /* another process holds the slot */
	STREAM_ACTIVE,
};

/* Not connected yet; everything is borrowed. ERR_INVALID_INPUT, logged, when the slot's name cannot
 * be one. *out is owned by the caller. */
must_check enum err stream_new(const struct conf *conf, struct events *events,
	struct resync *resync, const struct mqtt *mqtt, struct seen *seen, struct metrics *metrics,
	struct stream **out);

/* Confirms what is acknowledged and closes the connection. NULL is legal. */
void stream_free(struct stream *stream);

/* What to poll for, and when to come back at the latest: lowers *wake_us. */
void stream_poll(const struct stream *stream, struct pollfd *fd, int64_t *wake_us);

/* Goes on as far as can be without waiting. revents: what poll said. */
void stream_run(struct stream *stream, short revents, int64_t now_us);

enum stream_role stream_role(const struct stream *stream);

/* Is there a transaction that others cannot see yet, so that it is not told and nothing behind it is read? */
bool stream_is_held(const struct stream *stream);

/* Counts the times that a stream began. */
uint32_t stream_epoch(const struct stream *stream);

/* How far the server has come, and what it may forget, of this connection or the last. */
lsn_t stream_received(const struct stream *stream);
lsn_t stream_confirmed(const struct stream *stream);

#endif
