/*
 * Makes the slot where it is missing or lost, so that nobody misses what no slot has kept. In this order: a slot of
 * another name, <slot>_new, keeps what comes from now on; everybody is told to sync, which brings them what came before;
 * when the broker has acknowledged that, a copy of it, at its position, becomes <slot>. Whoever is killed in between
 * leaves <slot> as missing or lost as it was, and the next one does all of it again.
 *
 * <slot>_new is temporary: it ends with its connection and with any error, so there is never one of before, and of two
 * daemons the second is refused the name. Should both come to the end they put one right slot in the place of another.
 * Called by stream.c, on its connection.
 */
#ifndef PUSH_SLOT_MAKE_H
#define PUSH_SLOT_MAKE_H

#include <stdbool.h>

#include "push/resync.h"
#include "push/wal.h"

enum {
	SLOT_NAME_MAX = 59 /* PostgreSQL's 63 less "_new" */
};

struct slot_maker;

/* name: of at most SLOT_NAME_MAX letters, digits and _, copied. resync is borrowed. Owned by the caller. */
struct slot_maker *slot_maker_new(const char *name, struct resync *resync);
void slot_maker_free(struct slot_maker *maker);

/* Begins with the first command; the connection is idle. lost: there is a <slot> to be dropped. When a command is
 * refused or the connection lost nothing has to be undone. */
void slot_make(struct slot_maker *maker, struct wal *wal, bool lost);

/* A command of it has succeeded: goes on to the next. True: the slot is there, and the connection idle. */
must_check bool slot_make_answered(struct slot_maker *maker, struct wal *wal);

/* Has everybody been told, so that it can go on? To be done by slot_make_go. */
bool slot_make_is_due(const struct slot_maker *maker);
void slot_make_go(struct slot_maker *maker, struct wal *wal);

#endif
