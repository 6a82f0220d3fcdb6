/* Service tokens: their form, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium.h>

#include "lib/service.c"

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

static void a_new_token_is_found_by_its_hash(void **state)
{
	(void)state;
	char one[SERVICE_TOKEN_LEN + 1], other[SERVICE_TOKEN_LEN + 1];
	uint8_t one_hash[SERVICE_HASH_BYTES], other_hash[SERVICE_HASH_BYTES],
		hash[SERVICE_HASH_BYTES];

	service_token_new(one, one_hash);
	service_token_new(other, other_hash);
	assert_int_equal(strlen(one), SERVICE_TOKEN_LEN);
	assert_true(service_token_is(str_of(one)));
	assert_string_not_equal(one, other);
	assert_int_equal(service_token_hash(str_of(one), hash), OK);
	assert_memory_equal(hash, one_hash, sizeof(hash));
	assert_memory_not_equal(one_hash, other_hash, sizeof(hash));
}

#define FORTY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void whatever_has_another_form_is_none(void **state)
{
	(void)state;
	static const struct {
		const char *token;
		enum err err;
	} rows[] = {
		{ "pst_" FORTY "AAA", OK },
		{ "pst_" FORTY "-_A", OK },
		{ "pst_" FORTY "AAB", ERR_UNAUTHORIZED }, /* bits behind the last byte */
		{ "pst_" FORTY "AA", ERR_UNAUTHORIZED },
		{ "pst_" FORTY "AAAA", ERR_UNAUTHORIZED },
		{ "pst_" FORTY "AA=", ERR_UNAUTHORIZED },
		{ "pst_" FORTY "+/A", ERR_UNAUTHORIZED },
		{ "pst_" FORTY "A A", ERR_UNAUTHORIZED },
		{ "pst_" FORTY "A\xc3\xa9", ERR_UNAUTHORIZED },
		{ "PST_" FORTY "AAA", ERR_UNAUTHORIZED },
		{ "xst_" FORTY "AAA", ERR_UNAUTHORIZED },
		{ "pst_", ERR_UNAUTHORIZED },
		{ "", ERR_UNAUTHORIZED },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t hash[SERVICE_HASH_BYTES];

		if (service_token_hash(str_of(rows[i].token), hash) != rows[i].err)
			fail_msg("%s", rows[i].token);
	}
	assert_false(service_token_is(STR("eyJhbGciOi")));
	assert_false(service_token_is(STR("pst")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_token_is_found_by_its_hash),
		cmocka_unit_test(whatever_has_another_form_is_none),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
