/*
 * What the daemon counts, and the page that Prometheus reads (text format 0.0.4): its own figures,
 * and, by rest_metrics.c, those of the REST workers. Adding a row to the table in metrics.c is the
 * whole change.
 */
#ifndef PUSH_METRICS_H
#define PUSH_METRICS_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/model/event.h"
#include "lib/text.h"

/* Gauges are written by whoever knows them, or, those marked so, just before the page is. */
enum metric {
	METRIC_PUBLISHES,
	METRIC_ACKNOWLEDGED,
	METRIC_OUTSTANDING, /* so */
	METRIC_REFUSED,
	METRIC_RESYNCS,
	METRIC_DATABASE_CONNECTS,
	METRIC_BROKER_CONNECTS,
	METRIC_BROKER_CONNECTED,  /* so */
	METRIC_STREAMING,	  /* so */
	METRIC_STANDBY,		  /* so */
	METRIC_HELD,		  /* so */
	METRIC_RECEIVED_LSN,	  /* so */
	METRIC_CONFIRMED_LSN,	  /* so */
	METRIC_LAG_BYTES,	  /* so */
	METRIC_LAST_EVENT_AGE_US, /* so */
	METRIC_STARTED_AT_US,
	METRIC_COMMANDS_SEND,
	METRIC_COMMANDS_RECEIPT,
	METRIC_COMMANDS_TYPING,
	METRIC_COMMANDS_CALL,
	METRIC_COMMANDS_REFUSED,
	METRIC_COMMANDS_PENDING, /* so */
	METRIC_IDENTITIES_SEEN,
	METRIC_IDENTITIES_REFUSED,
	METRIC_SLOT_SAFE_WAL_BYTES,
	METRIC_SLOT_BEHIND_BYTES,
	METRIC_SLOT_RESERVED, /* from here on in the order of enum slot_status */
	METRIC_SLOT_EXTENDED,
	METRIC_SLOT_UNRESERVED,
	METRIC_SLOT_LOST,
	METRIC__MAX
};

/* A gauge of which nothing is known; its line is left out. */
#define METRIC_NONE INT64_MIN

enum {
	METRIC_BUCKETS = 15
};

struct metrics {
	int64_t values[METRIC__MAX];
	uint64_t events[EVENT__MAX];
	/* from the commit to the PUBACK; not cumulative, the last is +Inf */
	uint64_t push_buckets[METRIC_BUCKETS];
	uint64_t push_sum_us;
};

/* One event was acknowledged so long after its commit. */
void metrics_observe_push(struct metrics *metrics, int64_t duration_us);

/* The daemon's part of the page. */
void metrics_write(struct buf *buf, const struct metrics *metrics);

/* A value between quotes: backslash, quote and newline are escaped. */
void metrics_write_label(struct buf *buf, const char *name, struct str value);

/* "# HELP" and "# TYPE" of a metric; type as Prometheus calls it. */
void metrics_write_head(struct buf *buf, const char *name, const char *type, const char *help);

/* Microseconds as seconds, exactly. */
void metrics_write_seconds(struct buf *buf, int64_t duration_us);

#endif
