/* From event to control publishes: what the plugin can read, none above the broker's limit. */
#include "push/event.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char secret[64];
	struct conf conf;
	struct metrics metrics;
	struct events *events;
	struct mqtt *mqtt;
};

/* A client that is not connected queues what it is given: enough to see what that is. */
static int client_make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->secret, sizeof(fixture->secret), "/tmp/parley-test-XXXXXX");
	int fd = mkstemp(fixture->secret);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	fixture->conf.broker_secret = fixture->secret;
	fixture->events = events_new(&fixture->metrics);
	assert_int_equal(mqtt_new(&fixture->conf, &fixture->metrics, events_acked, fixture->events,
				 &fixture->mqtt),
		OK);
	events_attach(fixture->events, fixture->mqtt);
	*state = fixture;
	return 0;
}

static int client_remove(void **state)
{
	struct fixture *fixture = *state;
	mqtt_free(fixture->mqtt);
	events_free(fixture->events);
	unlink(fixture->secret);
	free(fixture);
	return 0;
}

static void recipients_fit_beside_the_payload(void **state)
{
	(void)state;
	static const struct {
		size_t payload_bytes;
		size_t expected;
	} rows[] = {
		{ 0, CONTROL_RECIPIENTS_MAX },
		{ 1000, CONTROL_RECIPIENTS_MAX },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - 10 * RECIPIENT_BYTES, 10 },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - 10 * RECIPIENT_BYTES + 1, 9 },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES, 0 },
		{ PUBLISH_MAX_BYTES, 0 },
		{ SIZE_MAX / 2, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t max = recipients_max(rows[i].payload_bytes);
		if (max != rows[i].expected)
			fail_msg("%zu: %zu", rows[i].payload_bytes, max);
	}
}

static void a_refused_record_is_named_by_its_type_alone(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *record;
		const char *expected;
	} rows[] = {
		{ "{\"type\":\"message.created\",\"data\":{}}", "message.created" },
		{ "{\"type\":\"strange\"}", "strange" },
		{ "{\"type\":\"\"}", "unknown" },
		{ "{\"type\":\"Meet me at 9\"}", "unknown" },
		{ "{\"type\":7}", "unknown" },
		{ "{\"type\":{\"type\":\"x\"}}", "unknown" },
		{ "{\"data\":\"secret\"}", "unknown" },
		{ "{\"type\":\"a very long text that may well be somebody's message and not a "
		  "type\"}",
			"unknown" },
		{ "not json", "unknown" },
		{ "", "unknown" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			record_type(fixture->events, str_of(rows[i].record)), rows[i].expected);
}

static void the_plugin_reads_what_is_published(void **state)
{
	struct fixture *fixture = *state;
	struct uuid ids[3] = { { { 1 } }, { { 2 } }, { { 0xab } } };
	struct event event = { .type = EVENT_RECEIPT_READ, .recipients = ids, .nrecipients = 3 };
	struct control control;
	buf_add_string(&fixture->events->payload, "{\"a\":\"\\n\"}");
	deliver(fixture->events, &event, 1, 3, 5);
	struct str text = { fixture->events->publish.data, fixture->events->publish.len };
	assert_int_equal(control_read(text, &control), OK);
	assert_int_equal(control.verb, CONTROL_DELIVER);
	assert_int_equal(control.topic, TOPIC_RECEIPTS);
	assert_int_equal(control.qos, 1);
	assert_int_equal(control.expiry_s, 0);
	assert_int_equal(control.nids, 2);
	assert_true(
		str_starts(control.ids, STR("02000000-0000-0000-0000-000000000000\nab000000-")));
	assert_true(str_equal(control.payload, STR("{\"a\":\"\\n\"}")));

	events_resync(fixture->events, 1500);
	text = (struct str){ fixture->events->publish.data, fixture->events->publish.len };
	assert_int_equal(control_read(text, &control), OK);
	assert_int_equal(control.verb, CONTROL_RESYNC);
	assert_int_equal(control.window_ms, 1500);
	assert_true(
		str_starts(control.payload, STR("{\"type\":\"sync.required\",\"event_id\":\"")));
	assert_int_equal(events_outstanding(fixture->events), 2);
	assert_int_equal(fixture->metrics.values[METRIC_RESYNCS], 1);
}

/* A record of a receipt for so many recipients. */
static struct buf record_make(size_t nrecipients)
{
	struct buf record = { 0 };
	static const char id[] = "0123abcd-4567-89ef-0123-456789abcdef";
	buf_printf(&record,
		"{\"type\":\"receipt.read\",\"event_id\":\"%s\",\"at\":\"2026-11-21T12:00:00+00:"
		"00\","
		"\"conversation_id\":\"%s\",\"rev\":null,\"data\":{\"user_id\":\"%s\",\"seq\":1},"
		"\"to\":[",
		id, id, id);
	for (size_t i = 0; i < nrecipients; i++)
		buf_printf(&record, "%s\"%08zx-0000-4000-8000-000000000000\"", i > 0 ? "," : "", i);
	buf_add_string(&record, "]}");
	return record;
}

static void large_groups_take_several_publishes(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		size_t nrecipients;
		size_t publishes;
	} rows[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ CONTROL_RECIPIENTS_MAX, 1 },
		{ CONTROL_RECIPIENTS_MAX + 1, 2 },
		{ 3 * CONTROL_RECIPIENTS_MAX, 3 },
	};
	size_t before = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf record = record_make(rows[i].nrecipients);
		events_take(fixture->events, (struct str){ record.data, record.len }, 1, 1);
		size_t after = events_outstanding(fixture->events);
		if (after - before != rows[i].publishes)
			fail_msg("%zu recipients: %zu publishes", rows[i].nrecipients,
				after - before);
		before = after;
		buf_free(&record);
	}
	assert_int_equal(fixture->metrics.events[EVENT_RECEIPT_READ], 5);
	assert_int_equal(fixture->metrics.values[METRIC_REFUSED], 0);
}

static void a_bad_record_is_counted_and_stops_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct buf record = record_make(1);
	events_take(fixture->events, STR("{\"type\":\"receipt.read\"}"), 1, 1);
	events_take(fixture->events, STR("\xff"), 2, 1);
	events_take(fixture->events, (struct str){ record.data, record.len }, 3, 1);
	assert_int_equal(fixture->metrics.values[METRIC_REFUSED], 2);
	assert_int_equal(events_outstanding(fixture->events), 1);
	buf_free(&record);
}

static void without_a_broker_there_is_no_room(void **state)
{
	struct fixture *fixture = *state;
	assert_false(events_have_room(fixture->events));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_fit_beside_the_payload),
		cmocka_unit_test_setup_teardown(
			a_refused_record_is_named_by_its_type_alone, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			the_plugin_reads_what_is_published, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			large_groups_take_several_publishes, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			a_bad_record_is_counted_and_stops_nothing, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			without_a_broker_there_is_no_room, client_make, client_remove),
	};
	log_open("push_event_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
