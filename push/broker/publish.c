/*
 * Publishing from inside the broker, see the header.
 */
#include "push/broker/publish.h"

#include <string.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mqtt_protocol.h>

enum err broker_publish(
	const char *topic, struct str payload, int qos, bool retain, uint32_t expiry_s)
{
	/* Not mosquitto_broker_publish_copy: in 2.0.11 its copy is counted when it is freed, but
	 * not when it is made; the count falls below zero, and memory_limit refuses everything. */
	void *copy = mosquitto_malloc(payload.len);
	if (!copy)
		return ERR_UNAVAILABLE;
	memcpy(copy, payload.ptr, payload.len);

	mosquitto_property *properties = NULL;
	int rc = MOSQ_ERR_SUCCESS;
	if (expiry_s > 0)
		rc = mosquitto_property_add_int32(
			&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, expiry_s);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_broker_publish(
			NULL, topic, (int)payload.len, copy, qos, retain, properties);
	if (rc == MOSQ_ERR_SUCCESS)
		return OK;
	mosquitto_property_free_all(&properties);
	mosquitto_free(copy);
	return ERR_UNAVAILABLE;
}
