/* What the plugin is told before people may come in: page by page, at the pace of the broker, and anew to each. */
#include "push/gate.c"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sql/rows.h"
#include "tests/unit/broker.h"
#include "tests/unit/chain.h"

#define ISSUER "https://id.example.test"

enum {
	EPOCH = 7
};

/* The database is asked, and answers when the test says so. */
static struct pending *asked;

void pipeline_submit(struct pipeline *pipeline, struct pending *pending, int64_t now_us)
{
	(void)pipeline, (void)now_us;
	assert_null(asked);
	asked = pending;
}

static struct fixture {
	struct chain chain;
	struct gate *gate;
	int listener, broker;
} fixture;

static void ack(void *ctx, int mid)
{
	events_acked(ctx, mid);
}

static int set_up(void **state)
{
	(void)state;
	struct fixture *f = &fixture;
	static char issuer[] = ISSUER, audience[] = "app";
	*f = (struct fixture){
		.chain.conf = { .token_ttl_s = 900, .idp_issuer = issuer, .idp_audience = audience }
	};
	asked = NULL;
	f->listener = broker_listen(&f->chain.conf);
	chain_make(&f->chain);
	f->gate = gate_new(&f->chain.conf, f->chain.events, f->chain.fanout, NULL);
	const struct mqtt_handlers handlers = { .acked = ack, .acked_ctx = f->chain.events };
	mqtt_handle(f->chain.mqtt, &handlers);
	f->broker = broker_accept(f->chain.mqtt, f->listener);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	struct fixture *f = &fixture;
	gate_free(f->gate);
	chain_free(&f->chain);
	close(f->broker);
	close(f->listener);
	return 0;
}

/* The ids that a page shall have: numbers from first on. */
static struct uuid id_of(uint32_t number)
{
	struct uuid id = { { 0 } };
	uint32_t wide = htobe32(number);
	memcpy(id.bytes, &wide, sizeof(wide));
	return id;
}

/* With the columns of all steps; times are null, but for that at which somebody was barred. */
static PGresult *page_make(uint32_t first, uint32_t count)
{
	static char issuer_name[] = "issuer", kid_name[] = "kid", jwk_name[] = "jwk";
	static char id_name[] = "id", until_name[] = "until_at", barred_name[] = "barred_at",
		    user_name[] = "user_id", blocked_name[] = "blocked_id";
	PGresAttDesc columns[] = {
		{ .name = id_name, .format = 1, .typlen = 16 },
		{ .name = until_name, .format = 1, .typlen = 8 },
		{ .name = barred_name, .format = 1, .typlen = 8 },
		{ .name = issuer_name, .format = 1, .typlen = -1 },
		{ .name = kid_name, .format = 1, .typlen = -1 },
		{ .name = jwk_name, .format = 1, .typlen = -1 },
		{ .name = user_name, .format = 1, .typlen = 16 },
		{ .name = blocked_name, .format = 1, .typlen = 16 },
	};
	static char issuer[] = ISSUER, kid[] = "k", jwk[] = "{\"kid\":\"k\"}";
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	assert_int_equal(PQsetResultAttrs(result, 8, columns), 1);
	for (uint32_t i = 0; i < count; i++) {
		struct uuid id = id_of(first + i), blocked_id = id_of(2 * (first + i));
		uint64_t at = htobe64(1000000);
		assert_int_equal(PQsetvalue(result, (int)i, 0, (char *)id.bytes, sizeof(id)), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 1, NULL, -1), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 2, (char *)&at, sizeof(at)), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 3, issuer, sizeof(issuer) - 1), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 4, kid, sizeof(kid) - 1), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 5, jwk, sizeof(jwk) - 1), 1);
		assert_int_equal(PQsetvalue(result, (int)i, 6, (char *)id.bytes, sizeof(id)), 1);
		assert_int_equal(
			PQsetvalue(result, (int)i, 7, (char *)blocked_id.bytes, sizeof(id)), 1);
	}
	return result;
}

/* The database answers what it was asked. */
static void answer(uint32_t first, uint32_t count)
{
	struct pending *pending = asked;
	struct rows rows = { page_make(first, count), "page" };
	assert_non_null(pending);
	asked = NULL;
	pending->answer(pending->ctx, OK, &rows);
	PQclear(rows.result);
}

static void answer_nothing(void)
{
	struct pending *pending = asked;
	assert_non_null(pending);
	asked = NULL;
	pending->answer(pending->ctx, ERR_UNAVAILABLE, NULL);
}

static void run(uint64_t epoch)
{
	gate_run(fixture.gate, epoch, time_mono_us());
}

static bool is_due(void)
{
	int64_t wake_us = INT64_MAX;
	gate_poll(fixture.gate, &wake_us);
	return wake_us < INT64_MAX;
}

/* All that there is for the steps from the one on that is being asked. */
static void answer_the_rest(uint64_t epoch)
{
	while (asked) {
		answer(0, 0);
		run(epoch);
	}
}

/* Publishes that the broker has not acknowledged, until there is room for no more. */
static void window_fill(void)
{
	struct uuid nobody = { { 9 } };
	while (events_have_room(fixture.chain.events))
		events_revoke(fixture.chain.events, &nobody, 1, TIME_NONE);
	fanout_flush(fixture.chain.fanout);
}

/* The broker acknowledges all that has left: QoS 1, in order. */
static void window_empty(void)
{
	for (int mid = 1; events_outstanding(fixture.chain.events) > 0; mid++)
		events_acked(fixture.chain.events, mid);
}

static void it_opens_when_all_pages_are_told(void **state)
{
	(void)state;
	assert_false(is_due());
	run(EPOCH);
	assert_false(is_due());
	answer(1, PAGE);
	assert_true(is_due());
	assert_false(gate_is_open(fixture.gate));
	run(EPOCH);
	struct uuid last = id_of(PAGE);
	assert_memory_equal(&fixture.gate->after, &last, sizeof(last));
	answer(PAGE + 1, 1);
	run(EPOCH);
	assert_memory_equal(&fixture.gate->after, &(struct uuid){ { 0 } }, sizeof(last));
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
	assert_false(is_due());
	const char *bytes = broker_read(fixture.chain.mqtt, fixture.broker, "open\n\n");
	assert_non_null(strstr(bytes, "\n000003e9-0000-0000-0000-000000000000\n"));
	run(EPOCH);
	assert_null(asked);
}

static void no_more_are_told_as_barred_than_a_broker_keeps(void **state)
{
	(void)state;
	run(EPOCH);
	answer(1, 0);
	run(EPOCH);
	size_t told = 0;
	for (; asked && asked->call.query == Q_USER_BARRED; told += PAGE) {
		struct uuid last = id_of(told);
		if (told > 0)
			assert_memory_equal(&fixture.gate->after, &last, sizeof(last));
		assert_int_equal(fixture.gate->after_us == TIME_NONE, told == 0);
		answer((uint32_t)told + 1, PAGE);
		fanout_flush(fixture.chain.fanout);
		window_empty();
		run(EPOCH);
	}
	assert_int_equal(told, BARRED_MOST);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
}

static void blocks_are_told_in_pairs_and_read_behind_the_last_pair(void **state)
{
	(void)state;
	run(EPOCH);
	while (asked && asked->call.query != Q_BLOCK_PAGE) {
		answer(1, 0);
		run(EPOCH);
	}
	answer(1, PAGE);
	run(EPOCH);
	struct uuid last = id_of(PAGE), last_blocked = id_of(2 * PAGE);
	assert_int_equal(asked->call.query, Q_BLOCK_PAGE);
	assert_memory_equal(asked->call.params[0].bytes, &last, sizeof(last));
	assert_memory_equal(asked->call.params[1].bytes, &last_blocked, sizeof(last));
	answer(PAGE + 1, 1);
	run(EPOCH);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
	const char *bytes = broker_read(fixture.chain.mqtt, fixture.broker, "open\n\n");
	assert_non_null(strstr(bytes, "block\n00000001-0000-0000-0000-000000000000\n00000002-"));
	assert_non_null(strstr(bytes, "block\n000003e9-0000-0000-0000-000000000000\n000007d2-"));
}

static const char barred_record[] = "{\"type\":\"user.unbarred\","
				    "\"event_id\":\"0123abcd-4567-89ef-0123-456789abcdef\","
				    "\"at\":\"2026-11-21T12:00:00+00:00\","
				    "\"user_id\":\"0123abcd-4567-89ef-0123-456789abcdef\"}";

static void a_page_from_before_a_change_is_read_again(void **state)
{
	(void)state;
	run(EPOCH);
	answer(1, 0);
	run(EPOCH);
	assert_int_equal(asked->call.query, Q_USER_BARRED);
	events_take(fixture.chain.events, str_of(barred_record), 1, 1);
	size_t before = events_outstanding(fixture.chain.events);
	answer(1, PAGE);
	assert_int_equal(events_outstanding(fixture.chain.events), before);
	run(EPOCH);
	assert_int_equal(fixture.gate->after_us, TIME_NONE);
	answer(1, 1);
	assert_int_equal(events_outstanding(fixture.chain.events), before + 1);
	run(EPOCH);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
}

#define DOCUMENT(keys)                                                                             \
	"{\"issuers\":[{\"issuer\":\"" ISSUER "\",\"audience\":[\"app\"],\"keys\":[" keys "]}]}"

static void keys_are_told_before_it_opens_and_when_they_change(void **state)
{
	(void)state;
	static const char record[] = "{\"type\":\"identity.keys\","
				     "\"event_id\":\"0123abcd-4567-89ef-0123-456789abcdef\","
				     "\"at\":\"2026-11-21T12:00:00+00:00\"}";
	run(EPOCH);
	while (asked->call.query != Q_IDENTITY_KEYS) {
		answer(1, 0);
		run(EPOCH);
	}
	answer(1, 1);
	run(EPOCH);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
	const char *bytes = broker_read(fixture.chain.mqtt, fixture.broker, "open\n\n");
	assert_non_null(strstr(bytes, DOCUMENT("{\"kid\":\"k\"}")));
	assert_false(is_due());

	events_take(fixture.chain.events, str_of(record), 1, 1);
	assert_true(is_due());
	run(EPOCH);
	assert_int_equal(asked->call.query, Q_IDENTITY_KEYS);
	/* changed again meanwhile */
	events_take(fixture.chain.events, str_of(record), 1, 1);
	answer(1, 1);
	assert_true(is_due());
	run(EPOCH);
	answer(1, 0);
	assert_false(is_due());
	fanout_flush(fixture.chain.fanout);
	bytes = broker_read(fixture.chain.mqtt, fixture.broker, DOCUMENT(""));
	assert_null(strstr(bytes, "open"));
	assert_true(gate_is_open(fixture.gate));
}

static void a_page_that_cannot_be_read_is_asked_for_again_a_little_later(void **state)
{
	(void)state;
	run(EPOCH);
	answer(1, PAGE);
	run(EPOCH);
	answer_nothing();
	run(EPOCH);
	assert_null(asked);
	assert_true(is_due());
	gate_run(fixture.gate, EPOCH, time_mono_us() + RETRY_US);
	struct uuid last = id_of(PAGE);
	assert_memory_equal(&fixture.gate->after, &last, sizeof(last));
	answer(PAGE + 1, 1);
	run(EPOCH);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
}

static void another_broker_is_told_all_of_it_anew(void **state)
{
	(void)state;
	run(EPOCH);
	answer(1, PAGE);
	run(EPOCH);
	/* the answer is for one that is gone */
	run(0);
	assert_false(is_due());
	run(EPOCH + 1);
	size_t before = events_outstanding(fixture.chain.events);
	answer(PAGE + 1, 1);
	assert_int_equal(events_outstanding(fixture.chain.events), before);
	run(EPOCH + 1);
	assert_memory_equal(&fixture.gate->after, &(struct uuid){ { 0 } }, sizeof(struct uuid));
	answer_the_rest(EPOCH + 1);
	assert_true(gate_is_open(fixture.gate));
	run(EPOCH + 2);
	assert_false(gate_is_open(fixture.gate));
	assert_non_null(asked);
}

static void without_room_nothing_is_asked_and_nothing_told(void **state)
{
	(void)state;
	window_fill();
	run(EPOCH);
	assert_null(asked);
	assert_false(is_due());
	window_empty();
	assert_true(is_due());
	run(EPOCH);

	/* gone while the database was asked: the page is read again */
	window_fill();
	size_t before = events_outstanding(fixture.chain.events);
	answer(1, PAGE);
	assert_int_equal(events_outstanding(fixture.chain.events), before);
	run(EPOCH);
	assert_null(asked);
	window_empty();
	run(EPOCH);
	assert_memory_equal(&fixture.gate->after, &(struct uuid){ { 0 } }, sizeof(struct uuid));
	answer(1, 1);
	assert_int_equal(events_outstanding(fixture.chain.events), 1);
	run(EPOCH);
	answer_the_rest(EPOCH);
	assert_true(gate_is_open(fixture.gate));
}

static void without_the_plugin_there_is_no_gate(void **state)
{
	tear_down(state);
	set_up(state);
	fanout_free(fixture.chain.fanout);
	fixture.chain.conf.broker_fanout = BROKER_FANOUT_PUBLISH;
	fixture.chain.fanout = fanout_new(&fixture.chain.conf, fixture.chain.mqtt);
	fixture.gate->fanout = fixture.chain.fanout;
	run(EPOCH);
	assert_null(asked);
	assert_false(is_due());
	assert_true(gate_is_open(fixture.gate));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_opens_when_all_pages_are_told),
		TEST(no_more_are_told_as_barred_than_a_broker_keeps),
		TEST(blocks_are_told_in_pairs_and_read_behind_the_last_pair),
		TEST(a_page_from_before_a_change_is_read_again),
		TEST(keys_are_told_before_it_opens_and_when_they_change),
		TEST(a_page_that_cannot_be_read_is_asked_for_again_a_little_later),
		TEST(another_broker_is_told_all_of_it_anew),
		TEST(without_room_nothing_is_asked_and_nothing_told),
		TEST(without_the_plugin_there_is_no_gate),
	};
	log_open("gate_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
