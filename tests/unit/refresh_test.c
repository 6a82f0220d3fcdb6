/* Refresh tokens: what they share, and what can be none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rest/refresh.c"

static void the_next_is_of_the_same_family_and_another(void **state)
{
	struct refresh first, second, read;

	(void)state;
	refresh_new(&first);
	refresh_next(&first, &second);
	assert_int_equal(strlen(first.text), REFRESH_TOKEN_LEN);
	assert_memory_equal(first.hashes.family, second.hashes.family, REFRESH_HASH_BYTES);
	assert_memory_not_equal(first.hashes.whole, second.hashes.whole, REFRESH_HASH_BYTES);
	assert_int_equal(refresh_parse(str_of(second.text), &read), OK);
	assert_memory_equal(&read.hashes, &second.hashes, sizeof(read.hashes));
	refresh_new(&second);
	assert_memory_not_equal(first.hashes.family, second.hashes.family, REFRESH_HASH_BYTES);
}

static const char *const bad[] = {
	"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", /* bits behind the last byte */
};

static void what_is_none_is_refused(void **state)
{
	struct refresh read;

	(void)state;
	assert_int_equal(
		refresh_parse(STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &read), OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (refresh_parse(str_of(bad[i]), &read) != ERR_UNAUTHORIZED)
			fail_msg("row %zu: %s", i, bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_is_of_the_same_family_and_another),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
