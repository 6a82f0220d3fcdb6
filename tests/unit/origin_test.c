/* Web origins: those that browsers send, and what would never be one. */
#include "lib/origin.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *list;
	const char *bad; /* NULL: a good list */
} lists[] = {
	{ "", NULL },
	{ "https://www.example.com", NULL },
	{ "https://www.example.com:8443 http://localhost:3000\thttp://127.0.0.1", NULL },
	{ "http://[::1]:5173 https://xn--bcher-kva.example", NULL },
	{ "capacitor://localhost tauri://localhost chrome-extension://abcdefgh", NULL },
	{ "http://localhost:443 https://localhost:80", NULL },
	{ "*", "*" },
	{ "https://a.example *", "*" },
	{ "null", "null" },
	{ "www.example.com", "www.example.com" },
	{ "//www.example.com", "//www.example.com" },
	{ "https:/www.example.com", "https:/www.example.com" },
	{ "https://", "https://" },
	{ "https://www.example.com/", "https://www.example.com/" },
	{ "https://www.example.com/chat", "https://www.example.com/chat" },
	{ "https://www.example.com?x", "https://www.example.com?x" },
	{ "https://*.example.com", "https://*.example.com" },
	{ "https://me@example.com", "https://me@example.com" },
	{ "https://Www.example.com", "https://Www.example.com" },
	{ "HTTPS://www.example.com", "HTTPS://www.example.com" },
	{ "1https://www.example.com", "1https://www.example.com" },
	{ "https://b\xc3\xbc"
	  "cher.example",
		"https://b\xc3\xbc"
		"cher.example" },
	{ "https://www.example.com:443", "https://www.example.com:443" },
	{ "http://www.example.com:80", "http://www.example.com:80" },
	{ "https://www.example.com:", "https://www.example.com:" },
	{ "https://www.example.com:0", "https://www.example.com:0" },
	{ "https://www.example.com:65536", "https://www.example.com:65536" },
	{ "https://www.example.com:08", "https://www.example.com:08" },
	{ "https://[::1", "https://[::1" },
	{ "https://[]", "https://[]" },
	{ "https://[::1]x", "https://[::1]x" },
	{ "https://a.example, https://b.example", "https://a.example," },
};

static void a_list_is_good_or_says_what_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct str bad = { NULL, 0 };
		const char *why = NULL;
		enum err err = origins_check(str_of(lists[i].list), &bad, &why);

		if ((err == OK) != (lists[i].bad == NULL) ||
			(err != OK && (!str_equal(bad, str_of(lists[i].bad)) || !why)))
			fail_msg("row %zu: %s: %d", i, lists[i].list, err);
	}
	assert_int_equal(origins_check(STR("https://a\0b"), &(struct str){ NULL, 0 },
				 &(const char *){ NULL }),
		ERR_INVALID_INPUT);
}

static void an_origin_is_listed_to_the_letter(void **state)
{
	static const char list[] = "https://a.example https://b.example:8443";
	static const struct {
		const char *origin;
		bool listed;
	} rows[] = {
		{ "https://a.example", true },
		{ "https://b.example:8443", true },
		{ "http://a.example", false },
		{ "https://a.example:8443", false },
		{ "https://b.example", false },
		{ "https://a.example.evil.example", false },
		{ "https://evil-a.example", false },
		{ "https://sub.a.example", false },
		{ "https://A.example", false },
		{ "https://a.example ", false },
		{ "https://a.example https://b.example:8443", false },
		{ "null", false },
		{ "", false },
		{ "*", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (origins_have(str_of(list), str_of(rows[i].origin)) != rows[i].listed)
			fail_msg("row %zu: %s", i, rows[i].origin);
	}
	assert_false(origins_have(STR(""), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_good_or_says_what_is_not),
		cmocka_unit_test(an_origin_is_listed_to_the_letter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
