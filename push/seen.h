/*
 * What others can see: PostgreSQL decodes a transaction when its commit is flushed, some moments before other connections see
 * it, and long before where a replica is waited for. Nothing is published before a client that asks at once would find it, so
 * stream.c holds a transaction until a snapshot taken since shows it. One snapshot covers all that was committed before it, so
 * the busier the server, the fewer are asked for. Called by stream.c and main.c.
 */
#ifndef PUSH_SEEN_H
#define PUSH_SEEN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/text.h"

struct seen;

/* conf is borrowed. A connection of its own, made when something is asked, as who serves requests: nothing waits behind a
 * command. Owned by the caller. */
struct seen *seen_new(const struct conf *conf);
void seen_free(struct seen *seen);

/* Does the last snapshot show the transaction of this number, which is committed? */
bool seen_covers(const struct seen *seen, uint32_t xid);

/* Could the last snapshot not be had? Whoever waits for one then gives the stream up: a server that is stopped ends the snapshots'
 * connection, but waits itself until the stream has taken all. */
bool seen_failed(const struct seen *seen);

/* Asks for a snapshot, unless one is on its way: at once for a transaction that has just come (is_new), else with a pause after those
 * that did not show it. */
void seen_ask(struct seen *seen, bool is_new, int64_t now_us);

/* The stream begins anew, maybe from another server: what was seen there means nothing. */
void seen_reset(struct seen *seen);

/* What to poll for, and when to come back at the latest: lowers *wake_us, where a snapshot has to be asked for once more. */
void seen_poll(const struct seen *seen, struct pollfd *fd, bool held, int64_t *wake_us);

/* Takes what has come; before stream_run. fd: that of seen_poll after poll. */
void seen_run(struct seen *seen, const struct pollfd *fd, int64_t now_us);

#endif
