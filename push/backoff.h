/*
 * How long to wait before the next try: from 100 ms, doubled with each failure up to 2 s, and by
 * chance half as long to as long as that, so that many who lost the same server do not come back at
 * the same instant.
 */
#ifndef PUSH_BACKOFF_H
#define PUSH_BACKOFF_H

#include <stdint.h>

struct backoff {
	unsigned failures;
};

enum {
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 2000
};

/* Counts a failure; microseconds until the next try. */
int64_t backoff_next_us(struct backoff *backoff);

/* It works again. */
static inline void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
}

#endif
