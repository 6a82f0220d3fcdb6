/*
 * Who may not watch whose presence: those whom the watched has blocked. parley-push tells of them (control.h). Asked at each
 * subscription to a presence and at each delivery of one, so a watch that exists brings nothing any more.
 *
 * Only memory, as with sessions (revoked.h): parley-push tells all of them anew before it lets people in. Bounded: when there is no room or no
 * memory for one, nobody watches anybody else, until all of them have been told anew and found room.
 */
#ifndef PUSH_BROKER_BLOCKED_H
#define PUSH_BROKER_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "push/broker/table.h"

enum {
	BLOCKED_MAX = 1 << 20 /* pairs, of some 70 bytes */
};

struct broker;
struct control;

struct blocked {
	struct table table; /* by pair */
	unsigned char hash_key[TABLE_KEY_BYTES];
	uint32_t round;	 /* counts the times that all are told */
	bool failed;	 /* one of this round found no room */
	bool incomplete; /* so nobody may watch */
};

/* ERR_UNAVAILABLE when out of memory. Pairs with blocked_free. */
must_check enum err blocked_init(struct blocked *blocked);
void blocked_free(struct blocked *blocked);

/* The one may not be watched by the other, or may again; also when it was so before. */
void blocked_add(struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher);
void blocked_remove(
	struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher);

/* May the one not be watched by the other? Oneself one may always. */
bool blocked_covers(
	const struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher);

/* From here on all are told; and they have been: what was not among them is so no longer. */
void blocked_begin(struct blocked *blocked);
void blocked_end(struct blocked *blocked);

/* The verbs block and unblock. */
void blocked_receive(struct broker *broker, const struct control *control);
void blocked_receive_end(struct broker *broker, const struct control *control);

#endif
