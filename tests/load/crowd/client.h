/*
 * One person's device: an MQTT connection that comes back by itself, and what has come over it.
 */
#ifndef TESTS_LOAD_CROWD_CLIENT_H
#define TESTS_LOAD_CROWD_CLIENT_H

#include "lib/id.h"
#include "tests/load/crowd/http.h"

struct crowd;

enum {
	SEQ_MAX = 4096, /* of a conversation */
	CURSOR_BYTES = 128,
};

enum client_state {
	CLIENT_IDLE, /* has not been told to connect, or has left for good */
	CLIENT_AWAY, /* until due_us */
	CLIENT_CONNECTING,
	CLIENT_UPGRADING, /* to WebSocket */
	CLIENT_LOGGING_IN,
	CLIENT_SUBSCRIBING,
	CLIENT_READY,
};

struct client {
	struct watch watch;
	struct crowd *crowd;
	uint32_t group;
	int version;
	bool websocket;
	bool leaves; /* does not come back when the connection is lost */
	in_addr_t source;
	char user[UUID_TEXT_LEN + 1];
	struct str token;

	enum client_state state;
	int64_t due_us;	    /* away: the next attempt; else the end of patience */
	int64_t sent_us;    /* the last packet */
	unsigned nattempts; /* since it was ready last */
	struct buf frames;  /* what has come and is not whole; WebSocket alone */
	struct buf packets;
	struct buf out; /* what could not be sent yet */

	struct http http;	   /* reads what was missed */
	int64_t sync_due_us;	   /* NOT_YET: nothing to read */
	unsigned nfailures;	   /* of its requests since the last connect */
	char cursor[CURSOR_BYTES]; /* where it is; "": at the beginning */

	int64_t lost_us; /* in this phase, the first time */
	int64_t back_us;
	int64_t synced_us;
	unsigned nattempts_back; /* what it took */

	uint32_t complete; /* has every seq up to here */
	uint32_t newest;
	uint64_t seen[SEQ_MAX / 64];
};

/* Ready to be connected. token: borrowed. */
void client_init(struct client *client, struct crowd *crowd);

/* It should be connected from now on. */
void client_start(struct client *client);

/* Looks at what is due: called for every client again and again. */
void client_tick(struct client *client, int64_t at_us);

/* Goodbye, for good. */
void client_stop(struct client *client);

/* Notes that it has a message. false: it had it before. */
bool client_has(struct client *client, uint32_t seq);

#endif
