/*
 * The one state of the plugin: its settings and its tables. plugin.c makes it and hands it to every
 * callback; the broker calls them all on one thread.
 */
#ifndef PUSH_BROKER_BROKER_H
#define PUSH_BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "push/broker/barred.h"
#include "push/broker/blocked.h"
#include "push/broker/clients.h"
#include "push/broker/deliver.h"
#include "push/broker/identity.h"
#include "push/broker/revoked.h"
#include "push/broker/settings.h"

struct broker {
	struct settings settings;
	struct clients clients;
	struct revoked revoked;
	struct barred barred;
	struct blocked blocked;
	struct identity identity;
	struct resync resync;
	int64_t now_s;		   /* wall clock, as of the last tick */
	int64_t expiry_checked_us; /* monotonic */
	bool open;		   /* parley-push has told all that keeps somebody out */
	bool reloading;		   /* from a reload to the next tick */
	bool key_taken_away;	   /* by that reload */

	/* refused logins, and those turned away while it is not open, told once a second at most */
	uint64_t refused;
	uint64_t turned_away;
	int64_t refused_told_us;
	const char *refused_why;
	char refused_address[64];

	/* commands that were too many, told once a second at most */
	uint64_t commands_refused;
	int64_t commands_told_us;
	struct uuid commands_refused_of; /* the last one */
};

/* What parley-push calls itself, as user name and at the beginning of its client id. */
#define PUSH_NAME "parley-push"
#define PUSH_CLIENT_PREFIX PUSH_NAME "/"

#endif
