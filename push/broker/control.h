/*
 * What parley-push says to the plugin: publishes to $CONTROL/parley/v1, of one or more of these one behind the other. mosquitto
 * takes one packet of a connection in each turn of its loop, and looks at every WebSocket in each turn, so what there is to say
 * at once is said in one. Each is a text head of lines, an empty line, and, where there is one, a payload of as many
 * bytes as the head says:
 *
 *	deliver <topic name> <qos> <expiry_s> <bytes>\n
 *	<user id>\n				payload goes to users/<id>/<topic name> of each
 *	<user id>\n …				(expiry_s 0: none; else an MQTT 5 message expiry)
 *	\n
 *	{"type":"message.created", …}
 *
 *	resync <window_ms> <bytes>\n\n		every connected user gets "sync.required" on users/<id>/sync,
 *						spread over window_ms; payload: the event to send
 *
 *	revoke <until_s>\n			these sessions have ended: their connections are closed, and
 *	<session id>\n				their tokens refused up to the second until_s of the wall
 *	<session id>\n …			clock, when the last of them has expired
 *	\n
 *
 *	bar\n					these users may not come in: their connections are closed, and
 *	<user id>\n				their logins refused whatever their token says
 *	<user id>\n …
 *	\n
 *
 *	unbar\n …				they may again
 *
 *	keys <bytes>\n\n			payload: the identity providers whose tokens are good, with
 *						their keys, as lib/idp.h reads it; takes the place of the
 *						one before, and is passed over when it is bad
 *
 *	block\n				the first of two has blocked the second, who may not watch its
 *	<user id>\n				presence
 *	<user id>\n …
 *	\n
 *
 *	unblock\n …				it may again
 *
 *	known\n				nothing is against these sessions, of which the plugin has told
 *	<session id>\n …			(notice.h)
 *	\n
 *
 *	anew\n\n				all who are barred, and all blocks, are told once more from here to
 *						"open", which takes the place of what was told before
 *
 *	open\n\n				all that keeps somebody out has been told: users may come in, who
 *						since the broker's start could not
 *
 * Ids are canonical lower case. A publish that does not read so to its end is refused whole.
 */
#ifndef PUSH_BROKER_CONTROL_H
#define PUSH_BROKER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/text.h"
#include "lib/topic.h"

enum {
	CONTROL_RECIPIENTS_MAX = 4096 /* and sessions, and users */
};

enum control_verb {
	CONTROL_DELIVER,
	CONTROL_RESYNC,
	CONTROL_REVOKE,
	CONTROL_BAR,
	CONTROL_UNBAR,
	CONTROL_BLOCK,
	CONTROL_UNBLOCK,
	CONTROL_KEYS,
	CONTROL_KNOWN,
	CONTROL_ANEW,
	CONTROL_OPEN
};

struct control {
	enum control_verb verb;
	enum topic_name topic; /* of deliver */
	int qos;	       /* 0 or 1 */
	uint32_t expiry_s;
	uint32_t window_ms; /* of resync */
	int64_t until_s;    /* of revoke */
	struct str ids; /* recipients, sessions, users or pairs: lines of UUID_TEXT_LEN + 1 bytes */
	size_t nids;
	struct str payload; /* empty, but of deliver, resync and keys */
};

/* The next id of those in *ids; false after the last. */
bool control_id(struct str *ids, struct uuid *out);

/* Cuts the first off *rest, which is not empty; everything in *out is borrowed from it. ERR_INVALID_INPUT when there is none,
 * and then *rest is as it was. */
must_check enum err control_read(struct str *rest, struct control *out);

#endif
