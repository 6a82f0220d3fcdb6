/*
 * Who is connected: one entry a connection, found by the broker's own handle or by the session that
 * its token is of, and one entry a user, found by id. All that the other files decide from is here, in memory; nothing here talks to the
 * broker.
 *
 * An entry outlives its connection: the broker asks on behalf of a handle that is gone when a will
 * fires or a message is queued for a durable session. It is dropped when the handle or the client
 * id is used again, or an hour after its user's last connection, which is as long as sessions last.
 */
#ifndef PUSH_BROKER_CLIENTS_H
#define PUSH_BROKER_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/jose.h"
#include "lib/topic.h"
#include "push/broker/bucket.h"
#include "push/broker/table.h"

struct mosquitto;

enum {
	CLIENTS_MAX = 1 << 20, /* entries of connections */
	USERS_MAX = 1 << 20,
	CLIENT_PROOF_BYTES = 16,
	CLIENTS_PER_USER_MAX = 64, /* connections at once, and remembered ones */
};

/* How long a user without a connection may still have a session; above
 * persistent_client_expiration. */
#define USER_KEPT_US (3660LL * 1000 * 1000)

struct user;

struct client {
	struct table_node node;		/* by handle */
	struct table_node session_node; /* by session, unless it is parley-push */
	const struct mosquitto *handle;
	struct user *user;	/* NULL: parley-push */
	struct client *next;	/* of the same user, newest first */
	struct uuid session_id; /* of its token, as is the next */
	int64_t expires_at_s;
	bool connected;
	bool replaced; /* a newer connection has taken its client id */
	bool kicked;
	bool revoked;	/* its session has ended: it may do nothing any more */
	bool external;	/* let in by an identity provider's token */
	bool known;	/* and parley-push has found nothing against it */
	bool listening; /* parley-push: takes commands */
	char device[TOPIC_DEVICE_MAX + 1];
	unsigned char proof[CLIENT_PROOF_BYTES]; /* keyed hash of what it logged in with */
};

enum user_place {
	USER_PRESENT,
	USER_LEAVING,
	USER_GONE
};

struct user {
	struct table_node node; /* by id */
	struct uuid id;
	struct client *clients;
	unsigned nclients; /* entries */
	unsigned nconnected;
	bool online;		/* as it was published */
	int64_t left_at_us;	/* wall clock, of the last connection's end */
	struct bucket commands; /* what it may send, over all its connections */
	struct bucket answers;	/* what the plugin says to that */
	enum user_place place;
	int64_t due_us; /* monotonic: when its turn in the queue of its place comes */
	struct user *prev, *next;
};

/* Users in the order in which they are due; each queue has one delay, so new ones go to the end. */
struct user_queue {
	struct user *first, *last;
};

struct clients {
	struct table by_handle;
	struct table by_session;
	struct table users;
	struct user_queue leaving; /* without a connection, still online */
	struct user_queue gone;	   /* offline, perhaps with a session */
	unsigned char hash_key[TABLE_KEY_BYTES];
	int64_t next_expiry_s; /* no token expires before */
	unsigned nlistening;   /* connections of parley-push that take commands */
};

/* ERR_UNAVAILABLE when out of memory. Pairs with clients_free. */
must_check enum err clients_init(struct clients *clients);
void clients_free(struct clients *clients);

/* The entry of a handle, or NULL; and a user's, or NULL when there was no connection for an hour.
 */
struct client *client_find(const struct clients *clients, const struct mosquitto *handle);
struct user *user_find(const struct clients *clients, const struct uuid *id);

/* An entry of the session that is not marked as revoked, or NULL. */
struct client *client_of_session(const struct clients *clients, const struct uuid *session_id);

/* The same of a user. */
struct client *client_of_user(const struct user *user);

/* What came with a session is known from now on. */
void clients_know(struct clients *clients, const struct uuid *session_id);

/* Connections of identity providers' tokens that are not known expire now. */
void clients_expire_unknown(struct clients *clients);

/* An entry for a connection that has proved its claims on device. Older entries of the same handle
 * or client id make room. The user is taken out of its queue. ERR_UNAVAILABLE when out of memory,
 * ERR_RATE_LIMITED when the user has too many connections. *out is borrowed. */
must_check enum err client_add(struct clients *clients, const struct mosquitto *handle,
	const struct claims *claims, const char *device, struct client **out);

/* The same for parley-push, which is nobody's. */
must_check enum err client_add_push(
	struct clients *clients, const struct mosquitto *handle, struct client **out);

/* A connection of parley-push takes commands from now on, or no longer. */
void client_listen(struct clients *clients, struct client *client, bool listening);

/* The client id of a user's connection: "<user id>/<device>". */
void client_id_format(const struct client *client, char out[TOPIC_CLIENT_BYTES]);

/* The connection of a handle has ended; an unknown handle is one that was refused. The last of a
 * user's puts it among the leaving, due at due_us. */
void client_leave(
	struct clients *clients, const struct mosquitto *handle, int64_t wall_us, int64_t due_us);

/* Drops the entry of a handle that is about to be judged anew. */
void client_forget(struct clients *clients, const struct mosquitto *handle);

/* The first of the queue, taken out, when it is due at now_us; else NULL. */
struct user *user_due(struct user_queue *queue, int64_t now_us);

/* Puts a user without connection at the end of the gone, due at due_us. */
void user_gone(struct clients *clients, struct user *user, int64_t due_us);

/* Drops a user that is in no queue, with all its entries. */
void user_drop(struct clients *clients, struct user *user);

#endif
