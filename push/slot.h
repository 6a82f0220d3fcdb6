/*
 * A look at the server and at the replication slot: whether they are fit for streaming, and, each
 * ten seconds over an ordinary connection, how they fare, for the metrics.
 */
#ifndef PUSH_SLOT_H
#define PUSH_SLOT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "push/lsn.h"
#include "push/metrics.h"
#include "push/wal.h"

enum slot_status {
	SLOT_RESERVED,	 /* its WAL is there */
	SLOT_EXTENDED,	 /* there, beyond max_wal_size */
	SLOT_UNRESERVED, /* about to be removed */
	SLOT_LOST,	 /* removed: the slot can be used no more */
	SLOT_STATUS__MAX
};

/* As in pg_replication_slots.wal_status. */
extern const char *const slot_status_names[SLOT_STATUS__MAX];

struct slot_look {
	/* the server */
	bool wal_logical; /* wal_level */
	bool in_recovery; /* a replica: nothing can be decoded */
	bool publication; /* "parley" is there */
	/* the slot; what follows means nothing when it is not there */
	bool exists;
	bool usable; /* of this database and for pgoutput */
	bool active;
	int64_t active_pid;
	enum slot_status status; /* SLOT_STATUS__MAX: of a name that is not known */
	lsn_t confirmed;
	int64_t safe_wal_bytes; /* what may be written before it is lost; METRIC_NONE: no limit */
	int64_t behind_bytes;	/* the end of the WAL less what is confirmed; or METRIC_NONE */
};

/* The statement to send, and its answer read for the slot of this name. */
const char *slot_statement(void);
void slot_read(const struct wal *wal, const char *name, struct slot_look *out);

/* Looks each ten seconds, or each second while there is no slot, and writes to the metrics. conninfo,
 * name and metrics are borrowed. */
struct slot_watch;
struct slot_watch *slot_watch_new(const char *conninfo, const char *name, struct metrics *metrics);
void slot_watch_free(struct slot_watch *watch);

/* What to poll for, and when to come back at the latest: lowers *wake_us. */
void slot_watch_poll(const struct slot_watch *watch, struct pollfd *fd, int64_t *wake_us);
void slot_watch_run(struct slot_watch *watch, short revents, int64_t now_us);

#endif
