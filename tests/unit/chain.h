/*
 * What stands between a record of the WAL and the broker, made for a test: included by the tests of its links and of what works
 * with them. The client is not connected, unless the test sees to it (broker.h); it queues what it is given, which is
 * enough to see what that is.
 */
#ifndef TESTS_UNIT_CHAIN_H
#define TESTS_UNIT_CHAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/conf.h"
#include "push/event.h"
#include "push/fanout.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/typing.h"

struct chain {
	char secret[64]; /* a file */
	struct conf conf;
	struct metrics metrics;
	struct mqtt *mqtt;
	struct fanout *fanout;
	struct typing *typing;
	struct events *events;
};

/* conf is the caller's, but for the secret. */
static inline void chain_make(struct chain *chain)
{
	snprintf(chain->secret, sizeof(chain->secret), "/tmp/parley-test-XXXXXX");
	int fd = mkstemp(chain->secret);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	chain->conf.broker_secret = chain->secret;
	assert_int_equal(mqtt_new(&chain->conf, &chain->metrics, &chain->mqtt), OK);
	chain->fanout = fanout_new(&chain->conf, chain->mqtt);
	chain->typing = typing_new(chain->mqtt, chain->fanout, &chain->metrics);
	chain->events = events_new(
		&chain->conf, chain->mqtt, chain->fanout, chain->typing, &chain->metrics);
}

static inline void chain_free(struct chain *chain)
{
	events_free(chain->events);
	typing_free(chain->typing);
	fanout_free(chain->fanout);
	mqtt_free(chain->mqtt);
	unlink(chain->secret);
}

#endif
