/*
 * Can the daemon do its work? The answer of /health.
 */
#ifndef PUSH_HEALTH_H
#define PUSH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "push/stream.h"

struct health {
	enum stream_role role;
	bool broker;
	bool open; /* people are let into the broker (gate.h); of the active daemon alone */
	int64_t lag_bytes;
};

/* Appends {"status","role","database","broker","lag_bytes"}, broker being ok, closed (to people) or unavailable; returns the HTTP status: 200 when it
 * works or could at any moment take over, else 503. */
int health_write(struct buf *buf, const struct health *health);

#endif
