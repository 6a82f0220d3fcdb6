/* What is shown and what is saved, and under which name. */
#include "lib/disposition.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *media_type, *name, *value;
} rows[] = {
	{ "image/png", "a.png", "inline; filename=\"a.png\"; filename*=UTF-8''a.png" },
	{ "IMAGE/PNG", "a b.png", "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png" },
	{ "video/mp4", "a.mp4", "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4" },
	{ "text/html", "a.png", "attachment; filename=\"a.png\"; filename*=UTF-8''a.png" },
	{ "image/svg+xml", "x.svg", "attachment; filename=\"x.svg\"; filename*=UTF-8''x.svg" },
	{ "application/pdf", "x", "attachment; filename=\"x\"; filename*=UTF-8''x" },
	{ "image/pngx", "x", "attachment; filename=\"x\"; filename*=UTF-8''x" },
	{ "image/png; x", "x", "attachment; filename=\"x\"; filename*=UTF-8''x" },
	{ "", "x", "attachment; filename=\"x\"; filename*=UTF-8''x" },
	{ "text/plain", "Übung €.txt",
		"attachment; filename=\"_bung _.txt\"; "
		"filename*=UTF-8''%C3%9Cbung%20%E2%82%AC.txt" },
	{ "text/plain", "\xf0\x9f\x91\x8d",
		"attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%91%8D" },
	{ "text/plain", "a\"; filename=\"b\\\".exe",
		"attachment; filename=\"a_; filename=_b__.exe\"; "
		"filename*=UTF-8''a%22%3B%20filename%3D%22b%5C%22.exe" },
	{ "text/plain", "100%41.txt",
		"attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt" },
	{ "text/plain", "a\r\nX: y\x7f",
		"attachment; filename=\"a__X: y_\"; filename*=UTF-8''a%0D%0AX%3A%20y%7F" },
	{ "text/plain", "!#$&+-.^_`|~'()*",
		"attachment; filename=\"!#$&+-.^_`|~'()*\"; "
		"filename*=UTF-8''!#$&+-.^_`|~%27%28%29%2A" },
};

static void a_file_is_shown_or_saved_under_its_name(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf.len = 0;
		disposition_write(&buf, str_of(rows[i].media_type), str_of(rows[i].name));
		if (!str_equal((struct str){ buf.data, buf.len }, str_of(rows[i].value)))
			fail_msg("row %zu: %.*s", i, (int)buf.len, buf.data);
	}
	buf_free(&buf);
}

static void the_types_that_are_shown_are_spelt_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inline_types) / sizeof(inline_types[0]); i++)
		assert_int_equal(inline_types[i].len, strlen(inline_types[i].ptr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_shown_or_saved_under_its_name),
		cmocka_unit_test(the_types_that_are_shown_are_spelt_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
