/*
 * Sweeps: what is taken away of itself, each by a function that works in batches, now and then; a table in sweep.c. They run one after the
 * other in a process with a connection of its own, so that neither a disk nor a bucket holds up the loop; one that dies leaves everything
 * to the next. Any number of parley-notify may do so at once.
 */
#ifndef PUSH_NOTIFY_SWEEP_H
#define PUSH_NOTIFY_SWEEP_H

#include "lib/conf.h"
#include "push/notify/transfer.h"

struct sweeps;

/* Both are borrowed. Pairs with sweeps_free. */
struct sweeps *sweeps_new(const struct conf *conf, struct transfers *transfers);

/* What is under way is broken off. NULL is legal. */
void sweeps_free(struct sweeps *sweeps);

/* Begins what is due; lowers *look_at_us to when the next is. To be called then, and when a transfer has ended. */
void sweeps_look(struct sweeps *sweeps, int64_t now_us, int64_t *look_at_us);

#endif
