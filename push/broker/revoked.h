/*
 * Sessions that have ended before their tokens expired: logged out, taken away, password changed.
 * parley-push tells of them (control.h). Who has such a token is not let in, and a connection that
 * was made with one is closed.
 *
 * Only memory: what a broker knew goes with it, and until parley-push has told everything anew
 * nobody is let in (auth.h).
 */
#ifndef PUSH_BROKER_REVOKED_H
#define PUSH_BROKER_REVOKED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/id.h"
#include "lib/jose.h"
#include "push/broker/table.h"

enum {
	REVOKED_MAX = 1 << 18 /* at once; an access token lives for minutes */
};

struct broker;
struct client;
struct control;
struct revocation;

struct revoked {
	struct table table;		 /* by session */
	struct revocation *first, *last; /* looked at next, and last */
	unsigned char hash_key[TABLE_KEY_BYTES];
	int64_t issued_by_s; /* tokens issued up to this second are refused, whosever they are */
	int64_t looked_s;    /* when some were looked at last */
	bool full;
};

/* ERR_UNAVAILABLE when out of memory. Pairs with revoked_free. */
must_check enum err revoked_init(struct revoked *revoked);
void revoked_free(struct revoked *revoked);

/*
 * Refuses the tokens of a session until until_s; told again, until the later of both. When there is
 * no room or no memory, all tokens issued up to now_s are refused instead: everybody may have to
 * fetch a fresh one, and nobody who was told off gets in.
 */
void revoked_add(
	struct revoked *revoked, const struct uuid *session_id, int64_t until_s, int64_t now_s);

/* Is a token with these claims refused at now_s? */
bool revoked_covers(const struct revoked *revoked, const struct claims *claims, int64_t now_s);

/* Once in a second of now_s: forgets some of those whose time is over. */
void revoked_tick(struct revoked *revoked, int64_t now_s);

/* Marks an entry, which may do nothing any more, and closes its connection. The will of a marked
 * connection does not fire, and an entry without connection gets nothing more into its durable
 * session. A kick calls back into presence_disconnect before this returns, which changes the tables:
 * so the next one has to be looked for anew. */
void revoked_close(struct client *client);

/* The verb revoke: remembers the sessions, and closes what is connected with one of them. */
void revoked_receive(struct broker *broker, const struct control *control);

#endif
