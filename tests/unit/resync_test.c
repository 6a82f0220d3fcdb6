/* Everybody told to sync: at which pace, and not before there is a broker. */
#include "push/resync.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void pages_fill_the_window(void **state)
{
	(void)state;
	static const struct {
		size_t people;
		size_t expected;
	} rows[] = {
		{ 0, 1 },
		{ 12, 1 },
		{ 199, 1 },
		{ 200, 2 },
		{ 10000, 51 },
		{ 199800, 1000 },
		{ PEOPLE_MAX, PAGE_MAX },
		{ SIZE_MAX, PAGE_MAX },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (page_size(rows[i].people) != rows[i].expected)
			fail_msg("%zu: %zu", rows[i].people, page_size(rows[i].people));
	}
}

static void turns_are_even(void **state)
{
	(void)state;
	static const struct {
		size_t told, people;
		int window_ms;
		int64_t expected_us;
	} rows[] = {
		{ 0, 0, 10000, 0 },
		{ 1, 0, 10000, 0 },
		{ 0, 12, 1200, 0 },
		{ 1, 12, 1200, 100000 },
		{ 12, 12, 1200, 1200000 },
		{ 7, 12, 0, 0 },
		{ 100000, 200000, 3600000, 1800000000 },
		/* more than were counted: the pace is kept */
		{ 400000, 200000, 10000, 20000000 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t turn = turn_us(rows[i].told, rows[i].people, rows[i].window_ms);
		if (turn != rows[i].expected_us)
			fail_msg("row %zu: %lld", i, (long long)turn);
	}
}

static void without_a_broker_nobody_is_told(void **state)
{
	(void)state;
	char secret[] = "/tmp/parley-test-XXXXXX";
	int fd = mkstemp(secret);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	close(fd);
	struct conf conf = { .broker_secret = secret };
	struct metrics metrics = { 0 };
	struct mqtt *mqtt;
	assert_int_equal(mqtt_new(&conf, &metrics, &mqtt), OK);
	struct fanout *fanout = fanout_new(&conf, mqtt);
	struct events *events = events_new(&conf, mqtt, fanout, NULL, &metrics);
	struct resync *resync = resync_new(&conf, events, fanout, NULL, &metrics);

	int64_t wake_us = 1000;
	assert_true(resync_told(resync));
	resync_begin(resync);
	assert_false(resync_told(resync));
	resync_poll(resync, &wake_us);
	assert_int_equal(wake_us, 1000); /* it is woken by the broker */
	resync_run(resync, 1);
	assert_false(resync_told(resync));
	assert_int_equal(metrics.values[METRIC_RESYNCS], 0);

	resync_free(resync);
	events_free(events);
	fanout_free(fanout);
	mqtt_free(mqtt);
	unlink(secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_fill_the_window),
		cmocka_unit_test(turns_are_even),
		cmocka_unit_test(without_a_broker_nobody_is_told),
	};
	log_open("resync_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
