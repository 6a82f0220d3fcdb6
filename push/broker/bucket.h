/*
 * A rate limit in one number: a bucket of tokens that fills evenly, kept as the time at which it is
 * full. Zeroed, it is full.
 */
#ifndef PUSH_BROKER_BUCKET_H
#define PUSH_BROKER_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	int64_t full_at_us; /* monotonic */
};

/* Takes one token out of at most burst, of which one comes back each interval_us; false when there
 * is none. now_us is monotonic. */
bool bucket_take(struct bucket *bucket, int64_t now_us, int64_t interval_us, int64_t burst);

#endif
