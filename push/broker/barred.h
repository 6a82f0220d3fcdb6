/*
 * Users who may not come in at all: disabled, or erased while somebody else's tokens would still bring them back.
 * parley-push tells of them (control.h). Their logins are refused whatever their token says, and their connections closed.
 *
 * Only memory, as with sessions (revoked.h): parley-push tells all of them anew before it lets people in. What is told is
 * bounded, and so is this: beyond BARRED_MAX the one told of first is forgotten. What that lets in parley-push ends again.
 */
#ifndef PUSH_BROKER_BARRED_H
#define PUSH_BROKER_BARRED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "push/broker/table.h"

enum {
	BARRED_MAX = 1 << 18
};

struct broker;
struct control;
struct barred_user;

struct barred {
	struct table table;		  /* by user */
	struct barred_user *first, *last; /* in the order in which they were told */
	unsigned char hash_key[TABLE_KEY_BYTES];
	uint32_t round; /* counts the times that all are told */
};

/* ERR_UNAVAILABLE when out of memory. Pairs with barred_free. */
must_check enum err barred_init(struct barred *barred);
void barred_free(struct barred *barred);

/* Bars a user, also again. ERR_UNAVAILABLE when out of memory: it is not barred. */
must_check enum err barred_add(struct barred *barred, const struct uuid *user_id);

/* Lets a user in again, also one who is not barred. */
void barred_remove(struct barred *barred, const struct uuid *user_id);

bool barred_covers(const struct barred *barred, const struct uuid *user_id);

/* From here on all are told; and they have been: who was not among them is barred no longer. */
void barred_begin(struct barred *barred);
void barred_end(struct barred *barred);

/* The verbs bar and unbar. Connections of who is barred are closed; their wills do not fire. */
void barred_receive(struct broker *broker, const struct control *control);
void barred_receive_end(struct broker *broker, const struct control *control);

#endif
