/* Scopes: their names, and lists of them as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/scope.c"

static void every_scope_is_found_by_its_name(void **state)
{
	(void)state;
	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX; i++) {
		if (!scope_infos[i].name || !scope_infos[i].help[0])
			fail_msg("scope %d has no row", i);
		assert_int_equal(scope_of(str_of(scope_infos[i].name)), i);
	}
	assert_int_equal(scope_of(STR("-")), SCOPE_NONE);
	assert_int_equal(scope_of(STR("")), SCOPE_NONE);
	assert_int_equal(scope_of(STR("Users:Read")), SCOPE_NONE);
	assert_int_equal(scope_of(STR("users:read ")), SCOPE_NONE);
}

static void lists_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *out; /* NULL: refused for bad */
		const char *bad;
	} rows[] = {
		{ "users:read", "users:read", "" },
		{ "messages:write users:read", "users:read messages:write", "" },
		{ "users:read,act-as", "users:read act-as", "" },
		{ " users:read ,\tusers:read ", "users:read", "" },
		{ "all", "all", "" },
		{ "users:read all", "all", "" },
		{ "", NULL, "" },
		{ " ,", NULL, "" },
		{ "-", NULL, "-" },
		{ "users", NULL, "users" },
		{ "users:read users:*", NULL, "users:*" },
		{ "all nothing", NULL, "nothing" },
		{ "ALL", NULL, "ALL" },
		{ "users:read;act-as", NULL, "users:read;act-as" },
		{ "users:read\nact-as", NULL, "users:read\nact-as" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[SCOPES_TEXT_BYTES] = "";
		struct str bad;
		enum err err = scopes_read(str_of(rows[i].text), out, &bad);

		if ((err == OK) != (rows[i].out != NULL) ||
			(err == OK && strcmp(out, rows[i].out) != 0) ||
			!str_equal(bad, str_of(rows[i].bad)))
			fail_msg("\"%s\": %s, \"%.*s\"", rows[i].text, err == OK ? out : "refused",
				(int)bad.len, bad.ptr);
	}
}

static void each_of_them_together_has_room(void **state)
{
	(void)state;
	char text[SCOPES_TEXT_BYTES] = "", out[SCOPES_TEXT_BYTES];
	size_t len = 0;
	struct str bad;

	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? " " : "",
			scope_infos[i].name);
	assert_true(len < sizeof(text));
	assert_int_equal(scopes_read(str_of(text), out, &bad), OK);
	assert_string_equal(out, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scope_is_found_by_its_name),
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(each_of_them_together_has_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
