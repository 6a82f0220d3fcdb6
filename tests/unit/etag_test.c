/* Which entity tags a condition names. */
#include "lib/etag.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *list;
	bool strong, weak;
} rows[] = {
	{ "\"abc\"", true, true },
	{ "*", true, true },
	{ " * ", true, true },
	{ "W/\"abc\"", false, true },
	{ "\"x\", \"abc\"", true, true },
	{ "\"x\",W/\"abc\",\"y\"", false, true },
	{ ",, \"x\" ,\t\"abc\"", true, true },
	{ "\"a,b\", \"abc\"", true, true },
	{ "\"x\"\"abc\"", true, true },
	{ "", false, false },
	{ "\"\"", false, false },
	{ "abc", false, false },
	{ "\"ABC\"", false, false },
	{ "\"abc", false, false },
	{ "\"abcd\"", false, false },
	{ "w/\"abc\"", false, false },
	{ "W/", false, false },
	{ "W/W/\"abc\"", false, false },
	{ "x, \"abc\"", false, false },
	{ "\"abc\\\"", false, false },
	{ "*, \"abc\"", false, false },
};

static void a_list_has_a_tag_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (etag_listed(str_of(rows[i].list), STR("\"abc\""), false) != rows[i].strong ||
			etag_listed(str_of(rows[i].list), STR("\"abc\""), true) != rows[i].weak)
			fail_msg("row %zu: %s", i, rows[i].list);
	}
	assert_false(etag_listed((struct str){ NULL, 0 }, STR("\"abc\""), true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_a_tag_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
