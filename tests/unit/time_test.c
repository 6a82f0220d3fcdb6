/* Points in time: against the C library's calendar, and every spelling that is refused. */
#include "lib/time.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S SECOND_US

static void known_times_are_written(void **state)
{
	(void)state;
	static const struct {
		int64_t time_us;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ 1, "1970-01-01T00:00:00.000001Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
		{ 951782399 * S, "2000-02-28T23:59:59.000000Z" },
		{ 951782400 * S, "2000-02-29T00:00:00.000000Z" },
		{ 951868800 * S, "2000-03-01T00:00:00.000000Z" },
		{ 1795262400123456, "2026-11-21T12:00:00.123456Z" },
		{ INT64_C(4107542400) * S, "2100-03-01T00:00:00.000000Z" },
		{ EARLIEST_US, "0000-01-01T00:00:00.000000Z" },
		{ INT64_C(-62162035201) * S, "0000-02-29T23:59:59.000000Z" },
		{ LATEST_US, "9999-12-31T23:59:59.999999Z" },
		{ LATEST_US + 1, "9999-12-31T23:59:59.999999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
		{ EARLIEST_US - 1, "0000-01-01T00:00:00.000000Z" },
		{ TIME_NONE, "0000-01-01T00:00:00.000000Z" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[TIME_TEXT_LEN + 1];
		time_format(rows[i].time_us, text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg(
				"%lld: %s, not %s", (long long)rows[i].time_us, text, rows[i].text);
	}
}

/* Every day of the centuries around us, and one in eleven from 0000 to 9999, at a moment that
 * differs, by the C library's own calendar. */
static void days_are_those_of_gmtime(void **state)
{
	(void)state;
	const int64_t near_days = 300 * 366;
	for (int64_t day = EARLIEST_US / DAY_US; day <= LATEST_US / DAY_US;
		day += llabs(day) < near_days ? 1 : 11) {
		int64_t second_of_day = (day % DAY_S + DAY_S) * 7919 % DAY_S;
		int64_t fraction = (second_of_day * 104729) % SECOND_US;
		time_t seconds = day * DAY_S + second_of_day;
		struct tm tm;
		char text[TIME_TEXT_LEN + 1], expected[128];
		assert_non_null(gmtime_r(&seconds, &tm));
		snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec, (int)fraction);
		int64_t time_us = seconds * SECOND_US + fraction;
		time_format(time_us, text);
		if (strcmp(text, expected) != 0)
			fail_msg("%s, not %s", text, expected);
		int64_t parsed_us = 0;
		if (day >= 0 &&
			(time_parse(str_of(text), &parsed_us) != OK || parsed_us != time_us))
			fail_msg("%s reads as %lld", text, (long long)parsed_us);
	}
}

struct parse_row {
	const char *text;
	int64_t time_us; /* -1: refused */
};

static void check_rows(const struct parse_row *rows, size_t nrows,
	enum err (*parse)(struct str, int64_t *), enum err refusal)
{
	for (size_t i = 0; i < nrows; i++) {
		int64_t time_us = 77;
		enum err err = parse(str_of(rows[i].text), &time_us);
		bool good = rows[i].time_us != -1;
		if (err != (good ? OK : refusal) || time_us != (good ? rows[i].time_us : 77))
			fail_msg("\"%s\": err %d, %lld", rows[i].text, err, (long long)time_us);
	}
}

#define NOON (1795262400 * S)

static void rfc_3339_is_read_strictly(void **state)
{
	(void)state;
	static const struct parse_row rows[] = {
		{ "2026-11-21T12:00:00Z", NOON },
		{ "2026-11-21T12:00:00.1Z", NOON + 100000 },
		{ "2026-11-21T12:00:00.000001Z", NOON + 1 },
		{ "2026-11-21T12:00:00.123456Z", NOON + 123456 },
		{ "2026-11-21T12:00:00+00:00", NOON },
		{ "2026-11-21T12:00:00-00:00", NOON },
		{ "2026-11-21T13:30:00+01:30", NOON },
		{ "2026-11-21T00:30:00-11:30", NOON },
		{ "2026-11-22T11:59:00+23:59", NOON },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:00:00-01:00", 0 },
		{ "9999-12-31T23:59:59.999999Z", LATEST_US },
		{ "2024-02-29T00:00:00Z", 1709164800 * S },
		{ "2000-02-29T00:00:00Z", 951782400 * S },
		{ "", -1 },
		{ "2026-11-21", -1 },
		{ "2026-11-21T12:00:00", -1 },
		{ "2026-11-21T12:00Z", -1 },
		{ "2026-11-21 12:00:00Z", -1 },
		{ "2026-11-21t12:00:00Z", -1 },
		{ "2026-11-21T12:00:00z", -1 },
		{ "2026-11-21T12:00:00.Z", -1 },
		{ "2026-11-21T12:00:00.1234567Z", -1 },
		{ "2026-11-21T12:00:00,5Z", -1 },
		{ "2026-11-21T12:00:00+0000", -1 },
		{ "2026-11-21T12:00:00+00", -1 },
		{ "2026-11-21T12:00:00+24:00", -1 },
		{ "2026-11-21T12:00:00+00:60", -1 },
		{ "2026-11-21T12:00:00Z ", -1 },
		{ " 2026-11-21T12:00:00Z", -1 },
		{ "2026-11-21T12:00:00ZZ", -1 },
		{ "2026-11-21T24:00:00Z", -1 },
		{ "2026-11-21T12:60:00Z", -1 },
		{ "2026-11-21T12:00:60Z", -1 },
		{ "2026-11-31T12:00:00Z", -1 },
		{ "2026-02-29T12:00:00Z", -1 },
		{ "2100-02-29T12:00:00Z", -1 },
		{ "2026-00-10T12:00:00Z", -1 },
		{ "2026-13-10T12:00:00Z", -1 },
		{ "2026-11-00T12:00:00Z", -1 },
		{ "2026-1-1T12:00:00Z", -1 },
		{ "+2026-11-21T12:00:00Z", -1 },
		{ "12026-11-21T12:00:00Z", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "1970-01-01T00:00:00+00:01", -1 },
		{ "9999-12-31T23:59:59-00:01", -1 },
		{ "0000-01-01T00:00:00Z", -1 },
		{ "now", -1 },
		{ "infinity", -1 },
		{ "1795262400", -1 },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), time_parse, ERR_INVALID_INPUT);
}

static void the_database_is_read_in_its_own_spelling(void **state)
{
	(void)state;
	static const struct parse_row rows[] = {
		{ "2026-11-21 12:00:00+00", NOON },
		{ "2026-11-21 12:00:00.1+00", NOON + 100000 },
		{ "2026-11-21 12:00:00.123456+00", NOON + 123456 },
		{ "2026-11-21T12:00:00.1+00:00", NOON + 100000 },
		{ "2026-11-21T12:00:00+00:00", NOON },
		{ "1970-01-01 00:00:00+00", 0 },
		{ "1969-12-31 00:00:00+00", -86400 * S },
		{ "", -1 },
		{ "infinity", -1 },
		{ "-infinity", -1 },
		{ "2026-11-21 12:00:00", -1 },
		{ "2026-11-21 12:00:00+01", -1 },
		{ "2026-11-21 12:00:00-00", -1 },
		{ "2026-11-21T12:00:00+00:30", -1 },
		{ "2026-11-21T12:00:00+00:", -1 },
		{ "2026-11-21 12:00:00+0", -1 },
		{ "2026-11-21 12:00:00+00 BC", -1 },
		{ "10026-11-21 12:00:00+00", -1 },
		{ "2026-11-21T12:00:00Z", -1 },
		{ "Sat Nov 21 12:00:00 2026 UTC", -1 },
	};
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), time_parse_db, ERR_INTERNAL);
}

static void what_is_cut_short_anywhere_is_refused(void **state)
{
	(void)state;
	static const char whole[] = "2026-11-21T12:00:00.123456+01:00";
	int64_t time_us;
	assert_int_equal(time_parse(str_of(whole), &time_us), OK);
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		if (time_parse((struct str){ whole, len }, &time_us) != ERR_INVALID_INPUT)
			fail_msg("%zu bytes were taken", len);
	assert_int_equal(time_parse((struct str){ NULL, 0 }, &time_us), ERR_INVALID_INPUT);
	assert_int_equal(time_parse_db((struct str){ NULL, 0 }, &time_us), ERR_INTERNAL);
}

static void clocks_run(void **state)
{
	(void)state;
	int64_t wall_us = time_now_us();
	assert_true(llabs((long long)wall_us / SECOND_US - (long long)time(NULL)) <= 1);
	int64_t last_us = time_mono_us();
	for (int i = 0; i < 1000; i++) {
		int64_t now_us = time_mono_us();
		assert_true(now_us >= last_us);
		last_us = now_us;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_times_are_written),
		cmocka_unit_test(days_are_those_of_gmtime),
		cmocka_unit_test(rfc_3339_is_read_strictly),
		cmocka_unit_test(the_database_is_read_in_its_own_spelling),
		cmocka_unit_test(what_is_cut_short_anywhere_is_refused),
		cmocka_unit_test(clocks_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
