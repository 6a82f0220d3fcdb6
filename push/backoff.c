/*
 * Waiting before a next try; see the header. Called by wal.c and mqtt.c.
 */
#include "push/backoff.h"

#include <sodium.h>

int64_t backoff_next_us(struct backoff *backoff)
{
	uint32_t span_ms = BACKOFF_MIN_MS;
	for (unsigned i = 0; i < backoff->failures && span_ms < BACKOFF_MAX_MS; i++)
		span_ms *= 2;
	if (span_ms > BACKOFF_MAX_MS)
		span_ms = BACKOFF_MAX_MS;
	backoff->failures++;
	return (int64_t)(span_ms / 2 + randombytes_uniform(span_ms / 2 + 1)) * 1000;
}
