/*
 * Closes connections whose token has expired.
 */
#ifndef PUSH_BROKER_EXPIRY_H
#define PUSH_BROKER_EXPIRY_H

#include <stdint.h>

#include "push/broker/broker.h"

/* At most four times a second, and only when a token can have expired, goes through the
 * connections. now_us is monotonic; the wall clock is the broker's now_s. */
void expiry_tick(struct broker *broker, int64_t now_us);

#endif
