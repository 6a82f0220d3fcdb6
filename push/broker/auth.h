/*
 * Who may connect: users with their access token, ours or an identity provider's, and parley-push with its secret. From the broker's
 * start until parley-push says "open" (control.h) it comes in alone: it alone knows which tokens are
 * revoked, and the plugin remembers nothing over a restart.
 */
#ifndef PUSH_BROKER_AUTH_H
#define PUSH_BROKER_AUTH_H

#include "push/broker/broker.h"

/* The callback: struct mosquitto_evt_basic_auth to MOSQ_ERR_SUCCESS, MOSQ_ERR_AUTH,
 * MOSQ_ERR_UNKNOWN (not now: closed without an answer) or MOSQ_ERR_NOMEM (the same). */
int auth_check(int event, void *data, void *broker);

/* The callback of a reload: reads keys and secret again; when that fails the old ones stay. */
int auth_reload(int event, void *data, void *broker);

/* Ends a reload; tells how many logins were refused since it last did. now_us is monotonic. */
void auth_tick(struct broker *broker, int64_t now_us);

#endif
