/* From a record of the WAL to publishes, and their account. */
#include "push/event.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "push/broker/control.h"
#include "tests/unit/chain.h"

static int client_make(void **state)
{
	struct chain *chain = calloc(1, sizeof(*chain));
	assert_non_null(chain);
	chain_make(chain);
	*state = chain;
	return 0;
}

static int client_remove(void **state)
{
	chain_free(*state);
	free(*state);
	return 0;
}

static void a_refused_record_is_named_by_its_type_alone(void **state)
{
	struct chain *chain = *state;
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
			record_type(chain->events, str_of(rows[i].record)), rows[i].expected);
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
	struct chain *chain = *state;
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
		events_take(chain->events, (struct str){ record.data, record.len }, 1, 1);
		size_t after = events_outstanding(chain->events);
		if (after - before != rows[i].publishes)
			fail_msg("%zu recipients: %zu publishes", rows[i].nrecipients,
				after - before);
		before = after;
		buf_free(&record);
	}
	assert_int_equal(chain->metrics.events[EVENT_RECEIPT_READ], 5);
	assert_int_equal(chain->metrics.values[METRIC_REFUSED], 0);
}

/* A message to one who has not reacted, and to two each who have in so many ways. */
static struct buf reacted_make(size_t nviews)
{
	struct buf record = { 0 };
	static const char id[] = "0123abcd-4567-89ef-0123-456789abcdef";
	buf_printf(&record,
		"{\"type\":\"message.updated\",\"event_id\":\"%s\","
		"\"at\":\"2026-11-21T12:00:00+00:00\",\"conversation_id\":\"%s\",\"rev\":2,"
		"\"data\":{\"id\":\"%s\",\"conversation_id\":\"%s\",\"seq\":1,\"rev\":2,"
		"\"type\":\"text\",\"created_at\":\"2026-11-21T12:00:00+00:00\"},"
		"\"to\":[\"%s\"],\"reactors\":[",
		id, id, id, id, id);
	for (size_t i = 0; i < nviews; i++)
		buf_printf(&record, "%s{\"emojis\":\"%zu\",\"to\":[\"%s\",\"%s\"]}",
			i > 0 ? "," : "", i, id, id);
	buf_add_string(&record, "]}");
	return record;
}

static void who_has_reacted_alike_is_told_once(void **state)
{
	struct chain *chain = *state;
	static const struct {
		size_t nviews;
		size_t publishes;
	} rows[] = {
		{ 0, 1 },
		{ 1, 2 },
		{ VIEWS_MAX, 1 + VIEWS_MAX },
		/* and all others to sync */
		{ VIEWS_MAX + 1, 2 + VIEWS_MAX },
		{ 300, 2 + VIEWS_MAX },
	};
	size_t before = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf record = reacted_make(rows[i].nviews);
		events_take(chain->events, (struct str){ record.data, record.len }, 1, 1);
		size_t after = events_outstanding(chain->events);
		if (after - before != rows[i].publishes)
			fail_msg("%zu views: %zu publishes", rows[i].nviews, after - before);
		before = after;
		buf_free(&record);
	}
	assert_int_equal(chain->metrics.values[METRIC_REFUSED], 0);
}

static void a_session_that_ended_is_told_and_waited_for(void **state)
{
	struct chain *chain = *state;
	static const char record[] = "{\"type\":\"session.revoked\","
				     "\"event_id\":\"0123abcd-4567-89ef-0123-456789abcdef\","
				     "\"at\":\"2026-11-21T12:00:00+00:00\","
				     "\"user_id\":\"0123abcd-4567-89ef-0123-456789abcdef\","
				     "\"session_ids\":[\"0123abcd-4567-89ef-0123-456789abcdef\"]}";
	events_take(chain->events, str_of(record), 1, 1);
	events_commit(chain->events, 100);
	assert_int_equal(events_outstanding(chain->events), 1);
	assert_int_equal(events_confirmed(chain->events), 0);
	assert_int_equal(chain->metrics.events[EVENT_SESSION_REVOKED], 1);
	assert_int_equal(chain->metrics.values[METRIC_REFUSED], 0);
}

static void a_session_is_refused_as_long_as_any_token_of_it_lives(void **state)
{
	struct chain *chain = *state;
	chain->conf.token_ttl_s = 900;
	int64_t now_s = time_now_us() / 1000000;
	static const struct {
		int64_t other_s; /* a token of somebody else's lives for so long; 0: there is none */
		int64_t expected_s;
	} rows[] = {
		{ 0, 900 },
		{ 800, 900 },
		{ 7200, 7200 },
		{ OTHERS_MAX_S + 7200, OTHERS_MAX_S },
		{ INT64_C(251000000000), OTHERS_MAX_S },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t until_us =
			rows[i].other_s > 0 ? (now_s + rows[i].other_s) * 1000000 : TIME_NONE;
		int64_t left_s = revoked_until_s(chain->events, until_us) - now_s;
		assert_in_range(
			left_s - EVENTS_SKEW_S, rows[i].expected_s, rows[i].expected_s + 10);
	}
}

static void who_is_barred_is_told_and_waited_for(void **state)
{
	struct chain *chain = *state;
	static const char *const types[] = { "user.barred", "user.unbarred" };
	char record[256];
	for (size_t i = 0; i < 2; i++) {
		snprintf(record, sizeof(record),
			"{\"type\":\"%s\",\"event_id\":\"0123abcd-4567-89ef-0123-456789abcdef\","
			"\"at\":\"2026-11-21T12:00:00+00:00\","
			"\"user_id\":\"0123abcd-4567-89ef-0123-456789abcdef\"}",
			types[i]);
		events_take(chain->events, str_of(record), 1, 1);
		assert_int_equal(events_outstanding(chain->events), i + 1);
		assert_int_equal(events_changes(chain->events), i + 1);
	}
	assert_int_equal(chain->metrics.values[METRIC_REFUSED], 0);
}

static void a_bad_record_is_counted_and_stops_nothing(void **state)
{
	struct chain *chain = *state;
	struct buf record = record_make(1);
	events_take(chain->events, STR("{\"type\":\"receipt.read\"}"), 1, 1);
	events_take(chain->events, STR("\xff"), 2, 1);
	events_take(chain->events, (struct str){ record.data, record.len }, 3, 1);
	assert_int_equal(chain->metrics.values[METRIC_REFUSED], 2);
	assert_int_equal(events_outstanding(chain->events), 1);
	buf_free(&record);
}

static void without_a_broker_there_is_no_room(void **state)
{
	struct chain *chain = *state;
	assert_false(events_have_room(chain->events));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_refused_record_is_named_by_its_type_alone, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			large_groups_take_several_publishes, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			who_has_reacted_alike_is_told_once, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			a_session_that_ended_is_told_and_waited_for, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			a_session_is_refused_as_long_as_any_token_of_it_lives, client_make,
			client_remove),
		cmocka_unit_test_setup_teardown(
			who_is_barred_is_told_and_waited_for, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			a_bad_record_is_counted_and_stops_nothing, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			without_a_broker_there_is_no_room, client_make, client_remove),
	};
	log_open("push_event_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
