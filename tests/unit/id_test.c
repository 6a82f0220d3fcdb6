/* UUIDs: one spelling in and out, and new ones that rise. */
#include "lib/id.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ID "0123abcd-4567-89ef-0123-456789abcdef"

static void text_is_parsed_in_one_form_only(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ ID, true },
		{ "0123ABCD-4567-89EF-0123-456789ABCDEF", true },
		{ "0123aBcD-4567-89eF-0123-456789aBCdef", true },
		{ "00000000-0000-0000-0000-000000000000", true },
		{ "ffffffff-ffff-ffff-ffff-ffffffffffff", true },
		{ "", false },
		{ "0123abcd456789ef0123456789abcdef", false },
		{ "{0123abcd-4567-89ef-0123-456789abcdef}", false },
		{ "urn:uuid:0123abcd-4567-89ef-0123-456789abcdef", false },
		{ "0123abcd-4567-89ef-0123-456789abcde", false },
		{ "0123abcd-4567-89ef-0123-456789abcdef0", false },
		{ " 0123abcd-4567-89ef-0123-456789abcde", false },
		{ "0123abcd-4567-89ef-0123-456789abcde ", false },
		{ "0123abcg-4567-89ef-0123-456789abcdef", false },
		{ "0123abcd-4567-89ef-0123-456789abcdeg", false },
		{ "0123abcd_4567-89ef-0123-456789abcdef", false },
		{ "0123abcd-4567_89ef-0123-456789abcdef", false },
		{ "0123abcd-4567-89ef_0123-456789abcdef", false },
		{ "0123abcd-4567-89ef-0123_456789abcdef", false },
		{ "0123abc-d4567-89ef-0123-456789abcdef", false },
		{ "-123abcd-4567-89ef-0123-456789abcdef", false },
		{ "0123abcd-4567-89ef-0123-45678\xc3\xa9"
		  "bcdef",
			false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uuid id, before;
		memset(&id, 0x5a, sizeof(id));
		before = id;
		enum err err = uuid_parse(str_of(rows[i].text), &id);
		if (err != (rows[i].good ? OK : ERR_INVALID_INPUT))
			fail_msg("\"%s\": %d", rows[i].text, err);
		if (!rows[i].good && !uuid_equal(&id, &before))
			fail_msg("\"%s\": the result was touched", rows[i].text);
	}
}

/* Any byte that is no hexadecimal digit, at any digit's place. */
static void every_place_takes_hexadecimal_digits_alone(void **state)
{
	(void)state;
	for (int at = 0; at < UUID_TEXT_LEN; at++) {
		for (int byte = 0; byte < 256; byte++) {
			char text[UUID_TEXT_LEN + 1] = ID;
			struct uuid id;
			bool dash = text[at] == '-';
			bool digit = byte < 128 && byte > 0 &&
				     strchr("0123456789abcdefABCDEF", byte) != NULL;
			text[at] = (char)byte;
			bool good = uuid_parse((struct str){ text, UUID_TEXT_LEN }, &id) == OK;
			if (good != (dash ? byte == '-' : digit))
				fail_msg("byte %d at %d: %d", byte, at, good);
		}
	}
}

static void no_text_is_no_id(void **state)
{
	(void)state;
	struct uuid id;
	assert_int_equal(uuid_parse((struct str){ NULL, 0 }, &id), ERR_INVALID_INPUT);
	assert_int_equal(uuid_parse((struct str){ "a\0b", 3 }, &id), ERR_INVALID_INPUT);
}

static void an_id_reads_as_it_was_written(void **state)
{
	(void)state;
	struct uuid id, again;
	char text[UUID_TEXT_LEN + 1];
	for (int round = 0; round < 10000; round++) {
		randombytes_buf(&id, sizeof(id));
		uuid_format(&id, text);
		assert_int_equal(strlen(text), UUID_TEXT_LEN);
		assert_int_equal(uuid_parse(str_of(text), &again), OK);
		assert_true(uuid_equal(&id, &again));
	}
	assert_int_equal(uuid_parse(STR("0123ABCD-4567-89EF-0123-456789ABCDEF"), &id), OK);
	static const uint8_t bytes[16] = { 0x01, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef, 0x01,
		0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	assert_memory_equal(id.bytes, bytes, 16);
	uuid_format(&id, text);
	assert_string_equal(text, ID);
}

static int64_t id_time_ms(const struct uuid *id)
{
	int64_t ms = 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

static void assert_version_7(const struct uuid *id)
{
	assert_int_equal(id->bytes[6] >> 4, 7);
	assert_int_equal(id->bytes[8] >> 6, 2);
}

static void new_ids_rise_and_tell_the_time(void **state)
{
	(void)state;
	struct uuid last = { { 0 } };
	int64_t before_ms = time_now_us() / 1000;
	for (int i = 0; i < 200000; i++) {
		struct uuid id;
		uuid_new(&id);
		assert_version_7(&id);
		if (memcmp(last.bytes, id.bytes, 16) >= 0)
			fail_msg("id %d does not rise", i);
		last = id;
	}
	int64_t after_ms = time_now_us() / 1000;
	assert_in_range(id_time_ms(&last), before_ms, after_ms + 1);
}

static void ids_rise_when_the_clock_steps_back(void **state)
{
	(void)state;
	static const int64_t times_ms[] = { 1000, 1000, 1001, 900, 1, 0, 1001, 1002, 1002, 5 };
	struct uuid_clock clock = { 0 };
	struct uuid last = { { 0 } };
	for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
		struct uuid id;
		uuid_make(&clock, times_ms[i], &id);
		assert_version_7(&id);
		if (memcmp(last.bytes, id.bytes, 16) >= 0)
			fail_msg("step %zu (%lld ms) does not rise", i, (long long)times_ms[i]);
		last = id;
	}
	assert_int_equal(id_time_ms(&last), 1002);
}

static void a_used_up_counter_borrows_a_millisecond(void **state)
{
	(void)state;
	struct uuid_clock clock = { .time_ms = 5000, .counter = (1u << COUNTER_BITS) - 2 };
	struct uuid last, next;
	uuid_make(&clock, 5000, &last);
	assert_int_equal(clock.counter, (1u << COUNTER_BITS) - 1);
	assert_int_equal(id_time_ms(&last), 5000);
	uuid_make(&clock, 5000, &next);
	assert_int_equal(id_time_ms(&next), 5001);
	assert_true(memcmp(last.bytes, next.bytes, 16) < 0);
	assert_version_7(&next);
}

static void a_new_millisecond_starts_in_the_lower_half(void **state)
{
	(void)state;
	struct uuid_clock clock = { 0 };
	clock_step(&clock, 1, UINT32_MAX);
	assert_int_equal(clock.counter, (1u << (COUNTER_BITS - 1)) - 1);
}

static void nil_is_all_zero(void **state)
{
	(void)state;
	struct uuid id = { { 0 } };
	assert_true(uuid_is_nil(&id));
	for (int i = 0; i < 16; i++) {
		id = (struct uuid){ { 0 } };
		id.bytes[i] = 1;
		assert_false(uuid_is_nil(&id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_parsed_in_one_form_only),
		cmocka_unit_test(every_place_takes_hexadecimal_digits_alone),
		cmocka_unit_test(no_text_is_no_id),
		cmocka_unit_test(an_id_reads_as_it_was_written),
		cmocka_unit_test(new_ids_rise_and_tell_the_time),
		cmocka_unit_test(ids_rise_when_the_clock_steps_back),
		cmocka_unit_test(a_used_up_counter_borrows_a_millisecond),
		cmocka_unit_test(a_new_millisecond_starts_in_the_lower_half),
		cmocka_unit_test(nil_is_all_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
