/*
 * Publishing from inside the broker.
 */
#ifndef PUSH_BROKER_PUBLISH_H
#define PUSH_BROKER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

/* Hands a copy of payload to the broker, which sends it when its loop comes round. expiry_s: of
 * MQTT 5, 0 for none. ERR_UNAVAILABLE when out of memory. */
must_check enum err broker_publish(
	const char *topic, struct str payload, int qos, bool retain, uint32_t expiry_s);

#endif
