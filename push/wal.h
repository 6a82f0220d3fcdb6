/*
 * A connection to PostgreSQL that never makes the loop wait: for the WAL (the replication
 * protocol), or an ordinary one for a look at the server. One command at a time. Lost, it opens
 * itself again after a pause. What to say on it is stream.c's and slot.c's; only this file sees
 * libpq.
 *
 * Names of hosts are looked up by libpq, which waits for the resolver: give an address or a socket
 * where that matters.
 */
#ifndef PUSH_WAL_H
#define PUSH_WAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

struct wal;

enum wal_kind {
	WAL_ORDINARY,
	WAL_REPLICATION
};

/* What wal_step came upon. */
enum wal_news {
	WAL_NOTHING,  /* nothing to be done but to wait */
	WAL_OPENED,   /* connected: wal_send may be called */
	WAL_ANSWERED, /* the command succeeded: wal_rows and wal_value tell with what */
	WAL_REFUSED,  /* the command failed, the connection is good: see wal_sqlstate and wal_reason
		       */
	WAL_STREAMING, /* the command began a stream: wal_frame from now on */
	WAL_LOST, /* it is gone, or could not be made: see wal_reason. It will open itself again */
};

/* Not connected yet; conninfo is borrowed for its life. Owned by the caller. */
struct wal *wal_new(enum wal_kind kind, const char *conninfo);

/* Closes it, after what was written last has left or half a second is over. NULL is legal. */
void wal_free(struct wal *wal);

/* What to poll for (fd -1: nothing), and when to come back at the latest: lowers *wake_us. paused:
 * the stream is not to be read at present. */
void wal_poll(const struct wal *wal, bool paused, struct pollfd *fd, int64_t *wake_us);

/* Goes on as far as can be without waiting. revents: what poll said. To be called until it says
 * WAL_NOTHING. */
enum wal_news wal_step(struct wal *wal, short revents, int64_t now_us);

/* Sends a command; only when no other runs. Should it fail, wal_step will say so. */
void wal_send(struct wal *wal, const char *command);

/* The last answer, until the next command. A column that is not there is a mistake of ours; NULL:
 * null. */
int wal_rows(const struct wal *wal);
const char *wal_value(const struct wal *wal, int row, const char *column);

/* Of what was refused or lost last, one line; "" when there is none. Never holds a password. */
const char *wal_sqlstate(const struct wal *wal);
const char *wal_reason(const struct wal *wal);

/* The next frame of the stream, valid until the next call. ERR_NOT_FOUND: none at present.
 * ERR_UNAVAILABLE: the stream has ended, and wal_step will say WAL_LOST. */
must_check enum err wal_frame(struct wal *wal, struct str *frame);

/* Writes a frame to the stream. */
void wal_write(struct wal *wal, const char *bytes, int len);

/* Gives the connection up: it is lost. reason is a literal. */
void wal_drop(struct wal *wal, const char *reason);

#endif
