/*
 * What a user's commands meet on their way to parley-push: a limit on how many and how large, so
 * that nobody floods more than their own connection; and a word of ours when parley-push is away,
 * where a command would vanish.
 */
#ifndef PUSH_BROKER_COMMAND_H
#define PUSH_BROKER_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/text.h"
#include "push/broker/broker.h"

enum {
	COMMAND_BYTES_MAX = 256 * 1024,
	COMMANDS_BURST_S = 10, /* so many seconds' worth at once, for a client that was away */
};

/* May a command of a user, published on a topic that is the user's to write, go on to parley-push?
 * If not, and if there is nobody to take it, the user is answered on users/<id>/replies with what
 * parley-push would say (lib/model/reply.h), as long as answers are not too many themselves. */
bool command_admit(struct broker *broker, struct user *user, struct str topic, struct str payload);

/* Tells how many commands were too many since it last did. now_us is monotonic. */
void command_tick(struct broker *broker, int64_t now_us);

#endif
