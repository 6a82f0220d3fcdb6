/*
 * The table of the daemon's metrics and their text; see the header. The page is asked for by
 * http.c.
 */
#include "push/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

struct metric_info {
	const char *name;
	const char *type;
	const char *label; /* as it stands between the braces, or NULL */
	const char *help;  /* NULL: the same metric as the row before */
	bool seconds;	   /* kept in microseconds */
};

static const struct metric_info metric_infos[METRIC__MAX] = {
	[METRIC_PUBLISHES] = { "parley_push_publishes_total", "counter", NULL,
		"Publishes handed to the broker; a large group needs more than one for an event.",
		false },
	[METRIC_ACKNOWLEDGED] = { "parley_push_publishes_acknowledged_total", "counter", NULL,
		"Publishes that the broker has acknowledged.", false },
	[METRIC_OUTSTANDING] = { "parley_push_publishes_outstanding", "gauge", NULL,
		"Publishes that wait for their acknowledgement.", false },
	[METRIC_REFUSED] = { "parley_push_records_refused_total", "counter", NULL,
		"Records of the WAL that could not be read and were skipped.", false },
	[METRIC_RESYNCS] = { "parley_push_resyncs_total", "counter", NULL,
		"Times that all clients were told to sync because the slot was made anew.", false },
	[METRIC_DATABASE_CONNECTS] = { "parley_push_database_connects_total", "counter", NULL,
		"Replication connections made.", false },
	[METRIC_BROKER_CONNECTS] = { "parley_push_broker_connects_total", "counter", NULL,
		"Connections made to the broker.", false },
	[METRIC_BROKER_CONNECTED] = { "parley_push_broker_connected", "gauge", NULL,
		"1 while the broker is connected.", false },
	[METRIC_STREAMING] = { "parley_push_streaming", "gauge", NULL, "1 while the WAL is read.",
		false },
	[METRIC_STANDBY] = { "parley_push_standby", "gauge", NULL,
		"1 while another daemon holds the slot.", false },
	[METRIC_HELD] = { "parley_push_held", "gauge", NULL,
		"1 while a transaction is not told because others cannot see it yet, as while a "
		"replica is waited for.",
		false },
	[METRIC_RECEIVED_LSN] = { "parley_push_received_lsn_bytes", "gauge", NULL,
		"Position of the WAL received last.", false },
	[METRIC_CONFIRMED_LSN] = { "parley_push_confirmed_lsn_bytes", "gauge", NULL,
		"Position of the WAL confirmed last.", false },
	[METRIC_LAG_BYTES] = { "parley_push_lag_bytes", "gauge", NULL,
		"WAL received and not confirmed yet.", false },
	[METRIC_LAST_EVENT_AGE_US] = { "parley_push_last_event_age_seconds", "gauge", NULL,
		"Time since an event was read from the WAL.", true },
	[METRIC_STARTED_AT_US] = { "parley_push_start_time_seconds", "gauge", NULL,
		"When the daemon was started, since 1970.", true },
	[METRIC_COMMANDS_SEND] = { "parley_push_commands_total", "counter", "command=\"send\"",
		"Commands taken from the broker, by name.", false },
	[METRIC_COMMANDS_RECEIPT] = { "parley_push_commands_total", "counter",
		"command=\"receipt\"", NULL, false },
	[METRIC_COMMANDS_TYPING] = { "parley_push_commands_total", "counter", "command=\"typing\"",
		NULL, false },
	[METRIC_COMMANDS_CALL] = { "parley_push_commands_total", "counter", "command=\"call\"",
		NULL, false },
	[METRIC_COMMANDS_REFUSED] = { "parley_push_commands_refused_total", "counter", NULL,
		"Commands answered with a problem.", false },
	[METRIC_COMMANDS_PENDING] = { "parley_push_commands_pending", "gauge", NULL,
		"Commands that are not answered yet.", false },
	[METRIC_IDENTITIES_SEEN] = { "parley_push_identity_logins_total", "counter", NULL,
		"Logins at the broker with a token of an identity provider.", false },
	[METRIC_IDENTITIES_REFUSED] = { "parley_push_identity_logins_refused_total", "counter",
		NULL, "Of these, who was taken out again.", false },
	[METRIC_SLOT_SAFE_WAL_BYTES] = { "parley_push_slot_safe_wal_bytes", "gauge", NULL,
		"WAL that may still be written before the slot is lost.", false },
	[METRIC_SLOT_BEHIND_BYTES] = { "parley_push_slot_behind_bytes", "gauge", NULL,
		"WAL written and not confirmed yet, as the server sees it.", false },
	[METRIC_SLOT_RESERVED] = { "parley_push_slot_wal_status", "gauge", "status=\"reserved\"",
		"1 for the state of the slot's WAL.", false },
	[METRIC_SLOT_EXTENDED] = { "parley_push_slot_wal_status", "gauge", "status=\"extended\"",
		NULL, false },
	[METRIC_SLOT_UNRESERVED] = { "parley_push_slot_wal_status", "gauge",
		"status=\"unreserved\"", NULL, false },
	[METRIC_SLOT_LOST] = { "parley_push_slot_wal_status", "gauge", "status=\"lost\"", NULL,
		false },
};

static const int64_t push_bucket_us[METRIC_BUCKETS - 1] = { 250, 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 5000000, 30000000 };

void metrics_observe_push(struct metrics *metrics, int64_t duration_us)
{
	/* the two clocks may be of two machines */
	if (duration_us < 0)
		duration_us = 0;
	size_t i = 0;
	while (i < METRIC_BUCKETS - 1 && duration_us > push_bucket_us[i])
		i++;
	metrics->push_buckets[i]++;
	metrics->push_sum_us += (uint64_t)duration_us;
}

void metrics_write_label(struct buf *buf, const char *name, struct str value)
{
	buf_printf(buf, "%s=\"", name);
	for (size_t i = 0; i < value.len; i++) {
		char byte = value.ptr[i];
		if (byte == '\\' || byte == '"')
			buf_add_char(buf, '\\');
		if (byte == '\n')
			buf_add_string(buf, "\\n");
		else
			buf_add_char(buf, byte);
	}
	buf_add_char(buf, '"');
}

void metrics_write_head(struct buf *buf, const char *name, const char *type, const char *help)
{
	buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_write_seconds(struct buf *buf, int64_t duration_us)
{
	buf_printf(buf, "%" PRId64 ".%06" PRId64, duration_us / 1000000, duration_us % 1000000);
}

static void metric_write(struct buf *buf, const struct metric_info *info, int64_t value)
{
	if (info->help != NULL)
		metrics_write_head(buf, info->name, info->type, info->help);
	if (value == METRIC_NONE)
		return;
	buf_add_string(buf, info->name);
	if (info->label != NULL)
		buf_printf(buf, "{%s}", info->label);
	buf_add_char(buf, ' ');
	if (info->seconds)
		metrics_write_seconds(buf, value);
	else
		buf_printf(buf, "%" PRId64, value);
	buf_add_char(buf, '\n');
}

static void events_write(struct buf *buf, const struct metrics *metrics)
{
	static const char name[] = "parley_push_events_total";
	metrics_write_head(
		buf, name, "counter", "Events read from the WAL and published, by type.");
	for (enum event_type type = 0; type < EVENT__MAX; type++) {
		buf_printf(buf, "%s{", name);
		metrics_write_label(buf, "type", str_of(event_infos[type].name));
		buf_printf(buf, "} %" PRIu64 "\n", metrics->events[type]);
	}
}

static void push_write(struct buf *buf, const struct metrics *metrics)
{
	static const char name[] = "parley_push_commit_to_acknowledged_seconds";
	uint64_t count = 0;
	metrics_write_head(buf, name, "histogram",
		"Time from an event's commit to the broker's acknowledgement.");
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		count += metrics->push_buckets[i];
		buf_printf(buf, "%s_bucket{le=\"", name);
		if (i < METRIC_BUCKETS - 1)
			metrics_write_seconds(buf, push_bucket_us[i]);
		else
			buf_add_string(buf, "+Inf");
		buf_printf(buf, "\"} %" PRIu64 "\n", count);
	}
	buf_printf(buf, "%s_sum ", name);
	metrics_write_seconds(buf, (int64_t)metrics->push_sum_us);
	buf_printf(buf, "\n%s_count %" PRIu64 "\n", name, count);
}

void metrics_write(struct buf *buf, const struct metrics *metrics)
{
	for (enum metric metric = 0; metric < METRIC__MAX; metric++)
		metric_write(buf, &metric_infos[metric], metrics->values[metric]);
	events_write(buf, metrics);
	push_write(buf, metrics);
}
