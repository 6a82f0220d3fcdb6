/* A bucket gives what is in it, fills evenly, and never holds more than it may. */
#include "push/broker/bucket.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
	INTERVAL_US = 20000,
	BURST = 5
};

static unsigned take(struct bucket *bucket, int64_t now_us, unsigned tries)
{
	unsigned taken = 0;
	for (unsigned i = 0; i < tries; i++)
		taken += bucket_take(bucket, now_us, INTERVAL_US, BURST);
	return taken;
}

static void what_is_there_after_a_while(void **state)
{
	(void)state;
	static const struct {
		int64_t after_us;
		unsigned taken;
	} rows[] = {
		{ 0, 0 },
		{ INTERVAL_US - 1, 0 },
		{ INTERVAL_US, 1 },
		{ 3 * INTERVAL_US, 3 },
		{ BURST * INTERVAL_US, BURST },
		{ 1000LL * 1000 * 1000, BURST },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bucket bucket = { 0 };
		int64_t now_us = 7000000;
		assert_int_equal(take(&bucket, now_us, 100), BURST);
		if (take(&bucket, now_us + rows[i].after_us, 100) != rows[i].taken)
			fail_msg("row %zu", i);
	}
}

static void who_keeps_to_the_rate_is_never_refused(void **state)
{
	(void)state;
	struct bucket bucket = { 0 };
	for (int64_t now_us = 0; now_us < 1000 * INTERVAL_US; now_us += INTERVAL_US)
		assert_int_equal(take(&bucket, now_us, 1), 1);
}

static void a_refusal_costs_nothing(void **state)
{
	(void)state;
	struct bucket bucket = { 0 };
	unsigned taken = 0;
	for (int64_t now_us = 0; now_us < 100 * INTERVAL_US; now_us += INTERVAL_US / 10)
		taken += take(&bucket, now_us, 3);
	assert_in_range(taken, 100 + BURST - 1, 100 + BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_after_a_while),
		cmocka_unit_test(who_keeps_to_the_rate_is_never_refused),
		cmocka_unit_test(a_refusal_costs_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
