/*
 * Who may do what on which topic. Asked at every subscribe, publish and delivery, so it is compares
 * of memory and nothing else; what is not allowed here is denied.
 */
#ifndef PUSH_BROKER_ACL_H
#define PUSH_BROKER_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/text.h"
#include "push/broker/broker.h"

/* access: one of MOSQ_ACL_…; client: NULL for a handle that has not proved who it is. A will is a
 * write of its client, and fires only while the token that brought it would still do. */
bool acl_allows(
	const struct client *client, int access, struct str topic, bool retain, int64_t now_s);

/* The callback: struct mosquitto_evt_acl_check to MOSQ_ERR_SUCCESS or MOSQ_ERR_ACL_DENIED; what is
 * allowed is then judged by command.h. In 2.0.11 a denied publish has the MQTT 5 reason 0x87, an
 * older client is acknowledged as ever, and the connection of either stays. */
int acl_check(int event, void *data, void *broker);

#endif
