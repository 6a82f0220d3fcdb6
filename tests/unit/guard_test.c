/* What a route demands: the Accept header, the key of an address, the cache of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rest/guard.c"

static const char *header;

static const char *get_param(void *context, const char *name)
{
	(void)context;
	(void)name;
	return header;
}

static const struct {
	const char *accept;
	enum err err;
} accepts[] = {
	{ NULL, OK },
	{ "", OK },
	{ " ", OK },
	{ "*/*", OK },
	{ "application/json", OK },
	{ "Application/Json; q=0.1", OK },
	{ "text/html, application/json", OK },
	{ "text/html,application/*;q=0.5", OK },
	{ "application/problem+json", OK },
	{ "text/html", ERR_NOT_ACCEPTABLE },
	{ "application/json;q=0", ERR_NOT_ACCEPTABLE },
	{ "text/*", ERR_NOT_ACCEPTABLE },
	{ "application/jsonp", ERR_NOT_ACCEPTABLE },
	{ ",,", ERR_NOT_ACCEPTABLE },
};

static void accept_takes_json_or_is_refused(void **state)
{
	struct gateway gateway = { .param = get_param };
	struct request req = { .gateway = &gateway };

	(void)state;
	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		header = accepts[i].accept;
		if (guard_accept(&req) != accepts[i].err)
			fail_msg("row %zu: %s", i, header ? header : "(none)");
	}
}

static const struct {
	const char *one, *other;
	bool same;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:6:5:4:3", true },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:3:3:4:5:6", false },
	{ "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", true },
	{ "2001:db8:1::1", "2001:db8:1:0:3:4:5:6", true },
	{ "2001:db8::1", "2001:db8::2", true },
	{ "2001:db8::a:1", "2001:db8::b:1", true },
	{ "2001:db8::1", "2001:db8:1::1", false },
	{ "::1", "::2", true },
	{ "", "", true },
};

static void an_address_counts_as_its_network(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct str one = address_key(arena, str_of(addresses[i].one));
		struct str other = address_key(arena, str_of(addresses[i].other));

		if (str_equal(one, other) != addresses[i].same)
			fail_msg("row %zu: %s, %s", i, addresses[i].one, addresses[i].other);
	}
	/* a gateway that names no address */
	assert_int_equal(address_key(arena, (struct str){ NULL, 0 }).len, 0);
	arena_free(arena);
}

static const char *const authorizations[] = { NULL, "", "Bearer", "Bearer ", "Bearer  ",
	"Basic YWxpY2U6cGFzc3dvcmQ=", "Bearera.b.c", "bearer\ta.b.c" };

static void what_is_no_token_is_refused(void **state)
{
	struct gateway gateway = { .param = get_param };
	struct conf conf = { 0 };
	struct worker worker = { .conf = &conf, .tokens = token_cache_new() };
	struct request req = { .gateway = &gateway, .worker = &worker, .conf = &conf };

	(void)state;
	assert_int_equal(shm_private(&worker.shm), OK);
	for (size_t i = 0; i < sizeof(authorizations) / sizeof(authorizations[0]); i++) {
		header = authorizations[i];
		if (guard_caller(&req, GUARD_USER) != ERR_UNAUTHORIZED)
			fail_msg("row %zu: %s", i, header ? header : "(none)");
	}
	assert_int_equal(guard_caller(&req, GUARD_NONE), OK);
	free(worker.tokens);
}

static void a_token_is_found_again_until_its_set_is_full_of_later_ones(void **state)
{
	struct token_cache *cache = token_cache_new();
	uint8_t hash[TOKEN_HASH_BYTES] = { 5 };
	bool found;

	(void)state;
	for (int i = 0; i <= TOKEN_WAYS; i++) {
		struct token_slot *slot;

		hash[1] = (uint8_t)i;
		slot = token_slot_of(cache, hash, &found);
		assert_false(found);
		memcpy(slot->hash, hash, sizeof(hash));
		slot->claims.expires_at_s = 100 + i;
	}
	/* the ninth took the place of the first, which ends first; the others are there */
	for (int i = 0; i <= TOKEN_WAYS; i++) {
		hash[1] = (uint8_t)i;
		token_slot_of(cache, hash, &found);
		if (found != (i > 0))
			fail_msg("token %d", i);
	}
	free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_takes_json_or_is_refused),
		cmocka_unit_test(an_address_counts_as_its_network),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(a_token_is_found_again_until_its_set_is_full_of_later_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
