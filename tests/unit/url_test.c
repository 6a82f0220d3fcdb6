/* Where URLs of settings lead. */
#include "lib/url.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *url, *host;
	bool loopback;
} rows[] = {
	{ "http://localhost", "localhost", true },
	{ "http://LocalHost:80/x", "LocalHost", true },
	{ "smtp://127.0.0.1:25", "127.0.0.1", true },
	{ "http://127.9.8.7/?a", "127.9.8.7", true },
	{ "http://[::1]", "[::1]", true },
	{ "http://[::1]:8080/x", "[::1]", true },
	{ "http://127.0.0.1.example.org", "127.0.0.1.example.org", false },
	{ "http://127.example.org/", "127.example.org", false },
	{ "http://localhost.example.org", "localhost.example.org", false },
	{ "http://example.org/localhost", "example.org", false },
	{ "http://example.org?://localhost", "example.org", false },
	{ "http://example.org#localhost", "example.org", false },
	{ "http://[::2]", "[::2]", false },
	{ "http://[::1", "", false },
	{ "http://128.0.0.1", "128.0.0.1", false },
	{ "http://127.1", "127.1", false },
	{ "http://2130706433", "2130706433", false },
	{ "http://", "", false },
	{ "http:///path", "", false },
	{ "localhost", "", false },
	{ "", "", false },
};

static void a_host_is_this_machine_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str url = str_of(rows[i].url);
		if (!str_equal(url_host(url_authority(url)), str_of(rows[i].host)))
			fail_msg("host of %s", rows[i].url);
		if (url_is_loopback(url) != rows[i].loopback)
			fail_msg("%s", rows[i].url);
	}
}

static void a_safe_one_is_encrypted_or_stays_here(void **state)
{
	static const struct {
		const char *url;
		bool safe;
	} urls[] = {
		{ "https://example.org", true },
		{ "https://example.org:8443/path?a=b#c", true },
		{ "http://127.0.0.1:9000", true },
		{ "http://example.org", false },
		{ "https://", false },
		{ "https:///path", false },
		{ "https://user@example.org", false },
		{ "https://example.org/a b", false },
		{ "https://example.org/\xc3\xa4", false },
		{ "ftp://example.org", false },
		{ "", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		if (url_is_safe(str_of(urls[i].url)) != urls[i].safe)
			fail_msg("%s", urls[i].url);
	}
}

static void a_long_name_is_none(void **state)
{
	char text[512] = "http://";
	(void)state;
	memset(text + 7, '1', sizeof(text) - 8);
	text[sizeof(text) - 1] = '\0';
	assert_false(url_is_loopback(str_of(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_this_machine_or_not),
		cmocka_unit_test(a_safe_one_is_encrypted_or_stays_here),
		cmocka_unit_test(a_long_name_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
