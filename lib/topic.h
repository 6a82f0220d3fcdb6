/*
 * The MQTT topic space, in one place for push and plugin (MQTT 3.1.1 section 4.7, web/api/asyncapi.yaml).
 */
#ifndef LIB_TOPIC_H
#define LIB_TOPIC_H

#include <stdbool.h>

#include "lib/id.h"
#include "lib/text.h"

/* What may stand in for a user's subtree: users/<id>/<name>. */
enum topic_name {
	TOPIC_MESSAGES,
	TOPIC_RECEIPTS,
	TOPIC_CONVERSATIONS,
	TOPIC_TYPING,
	TOPIC_NOTIFICATIONS,
	TOPIC_CALLS,
	TOPIC_REPLIES,
	TOPIC_SYNC,
	TOPIC__MAX
};

extern const char *const topic_names[TOPIC__MAX];

/* "messages" to TOPIC_MESSAGES; TOPIC__MAX when there is none of that name. */
enum topic_name topic_name_of(struct str name);

/* Where parley-push hands events to the plugin, and it alone. */
#define TOPIC_CONTROL "$CONTROL/parley/v1"

/* What parley-push alone subscribes to: the commands of everybody, and what the plugin says to it of identity providers. */
#define TOPIC_COMMANDS "users/+/commands/#"
#define TOPIC_IDENTITY "parley/identity"

enum {
	TOPIC_USER_BYTES = 6 + UUID_TEXT_LEN + 1 + 16 + 1, /* "users/" id "/" name NUL */
	TOPIC_DEVICE_MAX = 64,
	TOPIC_CLIENT_BYTES = UUID_TEXT_LEN + 1 + TOPIC_DEVICE_MAX + 1,
};

/* users/<id>/<name> */
void topic_user(const struct uuid *user, enum topic_name name, char out[TOPIC_USER_BYTES]);

/* presence/<id> */
void topic_presence(const struct uuid *user, char out[TOPIC_USER_BYTES]);

/* Whose presence it is: "presence/<id>", the id in its canonical spelling; false when it is none. */
bool topic_presence_of(struct str topic, struct uuid *user);

/* A device: 1 to 64 of A-Z a-z 0-9 . _ - */
bool topic_device_ok(struct str device);

/* A client id "<user id>/<device>" with the user in its canonical lower-case spelling. */
bool topic_client_ok(struct str client_id, const struct uuid *user);

/* May this user subscribe to filter? users/<self>/# or narrower, or presence/<any user> exactly. */
bool topic_may_subscribe(struct str filter, const struct uuid *user);

/* May this user be handed a message of topic? users/<self>/… but its own commands, which would come back to all of its
 * devices, or presence/<any user>. */
bool topic_may_read(struct str topic, const struct uuid *user);

/* May this user publish (not retained) to topic? users/<self>/commands/{send,receipt,typing,call}.
 */
bool topic_may_write(struct str topic, const struct uuid *user);

#endif
