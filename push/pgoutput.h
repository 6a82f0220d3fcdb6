/*
 * The bytes of PostgreSQL's replication stream, read: the frame of the streaming protocol, and in
 * it a message of the plugin pgoutput, protocol version 1 ("Streaming Replication Protocol" and
 * "Logical Replication Message Formats" in PostgreSQL's manual); and the one frame that goes back.
 * Bytes in, struct out: it knows no connection.
 */
#ifndef PUSH_PGOUTPUT_H
#define PUSH_PGOUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"
#include "push/lsn.h"

enum frame_kind {
	FRAME_KEEPALIVE,
	FRAME_BEGIN,   /* of a transaction */
	FRAME_COMMIT,  /* its end */
	FRAME_MESSAGE, /* of pg_logical_emit_message */
	FRAME_OTHER,   /* whatever else; not looked into */
};

struct frame {
	enum frame_kind kind;
	lsn_t wal_end;	    /* how far the server has come; any kind */
	bool reply_asked;   /* keepalive: an answer is wanted at once */
	lsn_t lsn;	    /* commit: where the transaction ends; message: where it is */
	uint32_t xid;	    /* begin: of the transaction, without its epoch */
	int64_t commit_us;  /* begin and commit: when, since 1970 */
	bool transactional; /* message: of a transaction, which has been committed */
	struct str prefix;  /* message; borrowed from the bytes */
	struct str content;
};

/* Reads what PQgetCopyData gave. ERR_MALFORMED when it is none of the protocol; *out is then
 * untouched. */
must_check enum err frame_read(struct str bytes, struct frame *out);

enum {
	FRAME_STATUS_BYTES = 34
};

/* A standby status update: received so far, and confirmed, which lets the server forget what lies
 * before. */
void frame_write_status(lsn_t received, lsn_t confirmed, int64_t now_us, bool ask_reply,
	char out[FRAME_STATUS_BYTES]);

#endif
