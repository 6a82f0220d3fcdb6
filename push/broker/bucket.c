/*
 * The bucket, see the header. Each token that is missing puts the time at which it is full off by
 * one interval.
 */
#include "push/broker/bucket.h"

bool bucket_take(struct bucket *bucket, int64_t now_us, int64_t interval_us, int64_t burst)
{
	int64_t full_at_us = bucket->full_at_us > now_us ? bucket->full_at_us : now_us;
	if (full_at_us - now_us > (burst - 1) * interval_us)
		return false;
	bucket->full_at_us = full_at_us + interval_us;
	return true;
}
