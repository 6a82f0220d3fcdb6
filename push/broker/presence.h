/*
 * Who is online, as a retained message on presence/<user>. Clients cannot publish there, so none
 * can lie. The broker keeps nothing over a restart: who is not heard of is offline.
 */
#ifndef PUSH_BROKER_PRESENCE_H
#define PUSH_BROKER_PRESENCE_H

#include <stdint.h>

#include "push/broker/broker.h"

/* A connection of user has begun: says "online", unless that is what was said last. */
void presence_begin(struct user *user);

/* The callback of an ended connection: struct mosquitto_evt_disconnect. */
int presence_disconnect(int event, void *data, void *broker);

/* Says "offline" of those whose grace is over at now_us (monotonic), and forgets who is long gone.
 */
void presence_tick(struct broker *broker, int64_t now_us);

#endif
