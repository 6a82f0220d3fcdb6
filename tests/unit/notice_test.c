/* What the plugin says to parley-push is read back as it was meant, and nothing else passes. */
#include "push/broker/notice.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define A "0190a000-0000-7000-8000-00000000abcd"
#define B "0190a000-0000-7000-8000-00000000abce"

/* Without a NUL behind it, so that a sanitizer sees a step too far. */
static enum err read_exact(const char *text, size_t len, struct notice *out, char **memory)
{
	*memory = malloc(len ? len : 1);
	assert_non_null(*memory);
	memcpy(*memory, text, len);
	return notice_read((struct str){ *memory, len }, out);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	static char claims[IDP_CLAIMS_MAX], issuer[IDENTITY_ISSUER_MAX];
	static char text[NOTICE_BYTES_MAX];
	memset(claims, ' ', sizeof(claims));
	memset(issuer, 'i', sizeof(issuer));
	const struct notice rows[] = {
		{ .claims = STR("{}") },
		{ .user_id = { { 1, 2 } },
			.session_id = { { 3 } },
			.claims = { claims, sizeof(claims) } },
		{ .claims = STR("{\n\"wanted \":\"\n\"}\n") },
		{ .kind = NOTICE_WANTED, .issuer = STR("https://id.example/a b") },
		{ .kind = NOTICE_WANTED, .issuer = { issuer, sizeof(issuer) } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct notice *expected = &rows[i];
		struct notice notice;
		char *memory;
		size_t len;
		notice_write(expected, text, &len);
		assert_int_equal(read_exact(text, len, &notice, &memory), OK);
		if (notice.kind != expected->kind ||
			!uuid_equal(&notice.user_id, &expected->user_id) ||
			!uuid_equal(&notice.session_id, &expected->session_id) ||
			!str_equal(notice.claims, expected->claims) ||
			!str_equal(notice.issuer, expected->issuer))
			fail_msg("row %zu is read wrong", i);
		free(memory);
	}
}

static void nothing_else_passes(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"\n",
		"seen",
		"seen\n",
		"seen " A " " B "",
		"seen " A " " B "\n",
		"seen " A " " B " \n{}",
		"seen " A " " B " phone\n{}",
		"seen " A "  " B "\n{}",
		"seen " A "\n{}",
		"seen " A "x" B "\n{}",
		"seen x" A " " B "\n{}",
		"seen  " A " " B "\n{}",
		"seen " A " " B "/x\n{}",
		"Seen " A " " B "\n{}",
		"seen\n" A " " B "\n{}",
		"wanted",
		"wanted \n",
		"wanted\n",
		"wanted https://id.example",
		"wanted https://id.example\n{}",
		"wanted\nhttps://id.example\n",
		"keys {}\n",
	};
	struct notice notice, untouched;
	memset(&notice, 0xa5, sizeof(notice));
	memset(&untouched, 0xa5, sizeof(untouched));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *memory;
		if (read_exact(bad[i], strlen(bad[i]), &notice, &memory) != ERR_INVALID_INPUT)
			fail_msg("accepted: %s", bad[i]);
		if (memcmp(&notice, &untouched, sizeof(notice)) != 0)
			fail_msg("result touched: %s", bad[i]);
		free(memory);
	}
}

static void its_parts_are_bounded(void **state)
{
	(void)state;
	static char text[2 * NOTICE_BYTES_MAX];
	struct notice notice;
	int head = snprintf(text, sizeof(text), "seen " A " " B "\n");
	memset(text + head, ' ', IDP_CLAIMS_MAX + 1);
	size_t len = (size_t)head + IDP_CLAIMS_MAX;
	assert_int_equal(notice_read((struct str){ text, len }, &notice), OK);
	assert_int_equal(notice_read((struct str){ text, len + 1 }, &notice), ERR_INVALID_INPUT);
	head = snprintf(text, sizeof(text), "wanted %0*d\n", IDENTITY_ISSUER_MAX + 1, 0);
	assert_int_equal(
		notice_read((struct str){ text, (size_t)head }, &notice), ERR_INVALID_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(nothing_else_passes),
		cmocka_unit_test(its_parts_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
