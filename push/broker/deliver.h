/*
 * What parley-push asks for: an event to the topic of each recipient, and "sync again" to
 * everybody, spread over a while so that they do not all come at once.
 */
#ifndef PUSH_BROKER_DELIVER_H
#define PUSH_BROKER_DELIVER_H

#include <stddef.h>
#include <stdint.h>

struct broker;

/* One at a time: a newer one takes the place of an older. */
struct resync {
	char *payload; /* NULL: none is running */
	size_t payload_bytes;
	int64_t started_us; /* monotonic */
	int64_t looked_us;  /* when the users were last gone through */
	uint32_t window_ms;
	uint32_t done_ms; /* users due before this have been told */
};

/* The callback of the control topic: struct mosquitto_evt_control. Always MOSQ_ERR_SUCCESS: what is
 * refused is logged, since the broker would answer an error by closing parley-push's connection,
 * which would then send the same again. */
int control_receive(int event, void *data, void *broker);

/* Tells those whose turn has come at now_us (monotonic). */
void resync_tick(struct broker *broker, int64_t now_us);

/* Ends it. */
void resync_stop(struct resync *resync);

#endif
