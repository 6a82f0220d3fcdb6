/*
 * Rate classes: how often a person, or an address without one, may do what. One table for REST and for commands over
 * MQTT; the buckets are those of shm.h.
 */
#ifndef LIB_RATE_H
#define LIB_RATE_H

#include "lib/shm.h"

enum rate {
	RATE_NONE,
	RATE_REGISTER,
	RATE_LOGIN,
	RATE_GUESS,
	RATE_ACCOUNT,
	RATE_DEVICE,
	RATE_REFRESH,
	RATE_RESET,
	RATE_RESET_EMAIL,
	RATE_READ,
	RATE_WRITE,
	RATE_SEND,
	RATE_UPLOAD,
	RATE_TYPING,
	RATE_SYNC,
	RATE_SEARCH,
	RATE_KEYS,
	RATE_PREKEYS,
	RATE_WEBHOOK,
	RATE_SERVICE,
	RATE_TOKEN,
	RATE_SEEN,
	RATE__MAX
};

/* The limit of a class with its quota multiplied by scale (setting rate_scale, above 0), at least 1. */
struct rate_limit rate_limit_of(enum rate rate, double scale);

#endif
