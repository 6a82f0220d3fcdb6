/* The canonical form: equal for equal values, different for different ones. */
#include "lib/json_canonical.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void canonical(struct arena *arena, const char *text, struct buf *out)
{
	buf_reset(out, 4096);
	json_canonical(arena, str_of(text), out);
	buf_add_char(out, '\0');
}

/* What each comes to, so that the form cannot change unseen: digests of it are kept for ever. */
static void test_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *form;
	} rows[] = {
		{ "null", "n" },
		{ " true ", "t" },
		{ "false", "f" },
		{ "0", "d0;" },
		{ "-0.00e5", "d0;" },
		{ "1", "d1e0;" },
		{ "100", "d1e2;" },
		{ "-12.50", "d-125e-1;" },
		{ "0.00120", "d12e-4;" },
		{ "10.01", "d1001e-2;" },
		{ "1e999999999999999999", "d1e999999999999999999;" },
		{ "10e999999999999999999", "d1e1000000000000000000;" },
		{ "1e1000000000000000000000", "d1e1000000000000000000000;" },
		{ "100e99999999999999999999", "d1e100000000000000000001;" },
		{ "0.01e100000000000000000001", "d1e99999999999999999999;" },
		{ "0.01e-99999999999999999999", "d1e-100000000000000000001;" },
		{ "100e-100000000000000000001", "d1e-99999999999999999999;" },
		{ "0.1e1000000000000000000", "d1e999999999999999999;" },
		{ "\"\"", "s0:" },
		{ "\"a\\u00e9\\n\"", "s4:a\xc3\xa9\n" },
		{ "\"\\ud83d\\ude00\\uffff\"", "s7:\xf0\x9f\x98\x80\xef\xbf\xbf" },
		{ "[]", "[]" },
		{ "[1,[2],\"3\"]", "[d1e0;[d2e0;]s1:3]" },
		{ "{}", "{}" },
		{ "{ \"b\" : 1, \"a\" : { \"d\":null, \"c\":[] } }",
			"{s1:a{s1:c[]s1:dn}s1:bd1e0;}" },
	};
	struct arena *arena = arena_new();
	struct buf form = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		canonical(arena, rows[i].text, &form);
		if (strcmp(form.data, rows[i].form) != 0)
			fail_msg("row %zu: %s: %s, not %s", i, rows[i].text, form.data,
				rows[i].form);
	}
	buf_free(&form);
	arena_free(arena);
}

static void test_equality(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} rows[] = {
		{ "1", "1.0", true },
		{ "1", "1e0", true },
		{ "1", "10e-1", true },
		{ "1", "0.1E+1", true },
		{ "1", "0.0001e4", true },
		{ "100", "1e2", true },
		{ "1000e-03", "1", true },
		{ "0", "-0", true },
		{ "0", "0.000", true },
		{ "0", "0e99999999999999999999", true },
		{ "9007199254740993", "9007199254740992", false },
		{ "0.1", "0.10000000000000000555", false },
		{ "1", "-1", false },
		{ "1", "10", false },
		{ "1", "0.1", false },
		{ "12", "1.2", false },
		{ "1e5", "1e-5", false },
		{ "1e99999999999999999999", "1e99999999999999999998", false },
		{ "10e99999999999999999998", "1e99999999999999999999", true },
		{ "1e0000000000000000000000000002", "100", true },
		{ "1", "\"1\"", false },
		{ "\"d1e0;\"", "1", false },
		{ "null", "\"n\"", false },
		{ "null", "false", false },
		{ "\"a\"", "\"\\u0061\"", true },
		{ "\"/\"", "\"\\/\"", true },
		{ "\"\\u00E9\"", "\"\xc3\xa9\"", true },
		/* the same to the eye, not the same characters */
		{ "\"\\u00e9\"", "\"e\\u0301\"", false },
		{ "\"a\"", "\"A\"", false },
		{ "{\"a\":1,\"b\":2}", " {\"b\" : 2.0 ,\n\"a\":1e0}", true },
		{ "{\"\\u0062\":1,\"a\":2}", "{\"a\":2,\"b\":1}", true },
		{ "{\"a\":1}", "{\"a\":2}", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "{\"a\":1}", "{\"a\":1,\"b\":null}", false },
		{ "{}", "[]", false },
		{ "[1,2]", "[2,1]", false },
		{ "[1,2]", "[12]", false },
		{ "[[1],2]", "[[1,2]]", false },
		{ "[\"a\",\"b\"]", "[\"a1:b\"]", false },
		{ "{\"a\":\"b\",\"c\":\"d\"}", "{\"a\":{\"b\":\"c\"},\"d\":null}", false },
		{ "{\"\\uffff\":1,\"\\ud83d\\ude00\":2}",
			"{\"\xf0\x9f\x98\x80\":2,\"\xef\xbf\xbf\":1}", true },
	};
	struct arena *arena = arena_new();
	struct buf a = { 0 }, b = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		canonical(arena, rows[i].a, &a);
		canonical(arena, rows[i].b, &b);
		if ((strcmp(a.data, b.data) == 0) != rows[i].equal)
			fail_msg("row %zu: %s | %s", i, a.data, b.data);
	}
	buf_free(&a);
	buf_free(&b);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_equality),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
