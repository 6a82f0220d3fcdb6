/*
 * Who may connect: users with their access token, and parley-push with its secret.
 */
#ifndef PUSH_BROKER_AUTH_H
#define PUSH_BROKER_AUTH_H

#include "push/broker/broker.h"

/* The callback: struct mosquitto_evt_basic_auth to MOSQ_ERR_SUCCESS, MOSQ_ERR_AUTH or
 * MOSQ_ERR_NOMEM. */
int auth_check(int event, void *data, void *broker);

/* The callback of a reload: reads keys and secret again; when that fails the old ones stay. */
int auth_reload(int event, void *data, void *broker);

/* Ends a reload; tells how many logins were refused since it last did. now_us is monotonic. */
void auth_tick(struct broker *broker, int64_t now_us);

#endif
