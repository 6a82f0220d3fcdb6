/*
 * Catching up: the cursor, and what has changed since as JSON (web/api/openapi.yaml).
 *
 * A cursor says from which transaction on changes are looked for, of which database and as whom. While a sweep of several
 * pages is under way it says also how far that has come. It grants nothing: whatever it says, the answer is
 * of what its bearer may see.
 */
#ifndef LIB_MODEL_SYNC_H
#define LIB_MODEL_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/model/conversation.h"
#include "lib/model/message.h"
#include "lib/text.h"

/* A sweep goes through these one after the other; the first sync has a phase of its own, and no other. */
enum sync_phase {
	SYNC_EVERYTHING, /* every conversation */
	SYNC_CONVERSATIONS,
	SYNC_LEFT,
	SYNC_MESSAGES,
	SYNC_RECEIPTS,
	SYNC_PHASE__MAX
};

struct sync_cursor {
	uint64_t identity;  /* of the database, for the caller */
	int64_t began_at_s; /* the sweep under way, else the one before; seconds since 1970 */
	int64_t from;	    /* what these transactions and later ones wrote; 0: everything */
	int64_t next_from;  /* of the next sweep; 0: none is under way */
	enum sync_phase phase;
	/* Behind this the next page goes on; nil: at the beginning of the phase. */
	struct uuid conversation_id;
	struct uuid user_id; /* of receipts */
	int64_t seq;	     /* of messages */
	int64_t known_seq;   /* of messages: up to here the conversation's were there at from */
};

enum {
	SYNC_CURSOR_LEN = 88
};

/* Canonical text to cursor. ERR_INVALID_INPUT for what sync_cursor_write does not write; *out is then untouched. */
must_check enum err sync_cursor_read(struct str text, struct sync_cursor *out);
void sync_cursor_write(const struct sync_cursor *cursor, char out[SYNC_CURSOR_LEN + 1]);

/* Another member's watermarks. */
struct sync_receipt {
	struct uuid conversation_id;
	struct uuid user_id;
	int64_t last_read_seq;
	int64_t last_delivered_seq;
};

/* One page. */
struct sync {
	struct conversation *conversations;
	size_t nconversations;
	struct message *messages;
	size_t nmessages;
	struct sync_receipt *receipts;
	size_t nreceipts;
	struct uuid *left;
	size_t nleft;
	struct sync_cursor next;
	bool has_more;
	bool reset; /* the cursor is none of this database, or too old: begin again */
};

void sync_write(struct buf *buf, const struct sync *sync);

#endif
