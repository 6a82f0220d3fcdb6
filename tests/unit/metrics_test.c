/* The metrics page: its form, its buckets, its escapes. */
#include "push/metrics.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char page[65536];

static const char *page_of(const struct metrics *metrics)
{
	struct buf buf = { 0 };
	metrics_write(&buf, metrics);
	assert_true(buf.len < sizeof(page));
	memcpy(page, buf.data, buf.len);
	page[buf.len] = '\0';
	buf_free(&buf);
	return page;
}

static void expect_line(const char *text, const char *line)
{
	const char *at = text;
	size_t len = strlen(line);
	while ((at = strstr(at, line)) != NULL) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return;
		at++;
	}
	fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void every_row_is_complete(void **state)
{
	(void)state;
	for (enum metric metric = 0; metric < METRIC__MAX; metric++) {
		const struct metric_info *info = &metric_infos[metric];
		if (info->name == NULL || info->type == NULL)
			fail_msg("row %d has no name or type", metric);
		bool counter = strcmp(info->type, "counter") == 0;
		size_t len = strlen(info->name);
		if (strncmp(info->name, "parley_push_", 12) != 0 ||
			counter != (len > 6 && strcmp(info->name + len - 6, "_total") == 0))
			fail_msg("%s: not a name for a %s", info->name, info->type);
		if (info->help == NULL && strcmp(info->name, metric_infos[metric - 1].name) != 0)
			fail_msg("%s: no help", info->name);
	}
}

static void values_are_written(void **state)
{
	(void)state;
	struct metrics metrics = { 0 };
	metrics.values[METRIC_PUBLISHES] = 42;
	metrics.values[METRIC_LAST_EVENT_AGE_US] = 1500001;
	metrics.values[METRIC_SLOT_EXTENDED] = 1;
	metrics.values[METRIC_SLOT_BEHIND_BYTES] = METRIC_NONE;
	metrics.events[EVENT_MESSAGE_CREATED] = 7;
	const char *text = page_of(&metrics);
	static const char *const lines[] = {
		"# TYPE parley_push_publishes_total counter",
		"parley_push_publishes_total 42",
		"parley_push_last_event_age_seconds 1.500001",
		"# TYPE parley_push_slot_wal_status gauge",
		"parley_push_slot_wal_status{status=\"reserved\"} 0",
		"parley_push_slot_wal_status{status=\"extended\"} 1",
		"parley_push_events_total{type=\"message.created\"} 7",
		"parley_push_events_total{type=\"receipt.read\"} 0",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect_line(text, lines[i]);
	assert_null(strstr(text, "\nparley_push_slot_behind_bytes"));
	const char *head = "# HELP parley_push_slot_wal_status";
	assert_null(strstr(strstr(text, head) + 1, head));
}

static void durations_fall_into_their_buckets(void **state)
{
	(void)state;
	static const struct {
		int64_t duration_us;
		size_t bucket;
	} rows[] = {
		{ -5, 0 },
		{ 0, 0 },
		{ 250, 0 },
		{ 251, 1 },
		{ 1000, 2 },
		{ 1001, 3 },
		{ 30000000, METRIC_BUCKETS - 2 },
		{ 30000001, METRIC_BUCKETS - 1 },
		{ INT64_C(864000000000), METRIC_BUCKETS - 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metrics metrics = { 0 };
		metrics_observe_push(&metrics, rows[i].duration_us);
		if (metrics.push_buckets[rows[i].bucket] != 1)
			fail_msg("%lld is not in bucket %zu", (long long)rows[i].duration_us,
				rows[i].bucket);
	}
}

static void a_histogram_is_cumulative(void **state)
{
	(void)state;
	struct metrics metrics = { 0 };
	metrics_observe_push(&metrics, 200);
	metrics_observe_push(&metrics, 400);
	metrics_observe_push(&metrics, 60000000);
	const char *text = page_of(&metrics);
	static const char *const lines[] = {
		"parley_push_commit_to_acknowledged_seconds_bucket{le=\"0.000250\"} 1",
		"parley_push_commit_to_acknowledged_seconds_bucket{le=\"0.000500\"} 2",
		"parley_push_commit_to_acknowledged_seconds_bucket{le=\"30.000000\"} 2",
		"parley_push_commit_to_acknowledged_seconds_bucket{le=\"+Inf\"} 3",
		"parley_push_commit_to_acknowledged_seconds_sum 60.000600",
		"parley_push_commit_to_acknowledged_seconds_count 3",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect_line(text, lines[i]);
}

static void labels_are_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *expected;
	} rows[] = {
		{ "", "l=\"\"" },
		{ "/users/{id}", "l=\"/users/{id}\"" },
		{ "a\"b", "l=\"a\\\"b\"" },
		{ "a\\b", "l=\"a\\\\b\"" },
		{ "a\nb", "l=\"a\\nb\"" },
		{ "\\\"\n", "l=\"\\\\\\\"\\n\"" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf = { 0 };
		metrics_write_label(&buf, "l", str_of(rows[i].value));
		if (!str_equal((struct str){ buf.data, buf.len }, str_of(rows[i].expected)))
			fail_msg("%s gave %.*s", rows[i].expected, (int)buf.len, buf.data);
		buf_free(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(values_are_written),
		cmocka_unit_test(durations_fall_into_their_buckets),
		cmocka_unit_test(a_histogram_is_cumulative),
		cmocka_unit_test(labels_are_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
