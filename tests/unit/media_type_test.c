/* Lists of media types. */
#include "lib/media_type.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_list_has_a_type_or_not(void **state)
{
	static const struct {
		const char *list, *type;
		bool has;
	} rows[] = {
		{ "*/*", "image/png", true },
		{ "image/*", "image/png", true },
		{ "image/png", "image/png", true },
		{ "audio/* image/png", "image/png", true },
		{ "  audio/*\timage/png ", "image/png", true },
		{ "image/*", "audio/mpeg", false },
		{ "image/p", "image/png", false },
		{ "image/pngx", "image/png", false },
		{ "image/gif image/jpeg", "image/png", false },
		{ "", "image/png", false },
		{ "*/*", "png", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (media_types_have(str_of(rows[i].list), str_of(rows[i].type)) != rows[i].has)
			fail_msg("%s: %s", rows[i].list, rows[i].type);
	}
}

static void a_bad_word_is_told(void **state)
{
	static const struct {
		const char *list, *bad;
	} rows[] = {
		{ "*/*", NULL },
		{ "image/* application/vnd.x+y-z.1", NULL },
		{ "image", "image" },
		{ "image/* png", "png" },
		{ "*/png", "*/png" },
		{ "image/", "image/" },
		{ "/png", "/png" },
		{ "image/png;q=1", "image/png;q=1" },
		{ "image/p*", "image/p*" },
		{ "Image/png", "Image/png" },
		{ "image/png,image/gif", "image/png,image/gif" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str bad = { NULL, 0 };
		enum err err = media_types_check(str_of(rows[i].list), &bad);

		if ((err != OK) != (rows[i].bad != NULL) || !str_equal(bad, str_of(rows[i].bad)))
			fail_msg("%s", rows[i].list);
	}
}

static void a_type_is_one_or_not(void **state)
{
	static const char *const none[] = { "", "image", "image/", "/png", "image/*", "*/*",
		"Image/png", "image/png ", "image/png;q=1", "image/png\r\nX: y", "a/b/c" };

	(void)state;
	assert_true(media_type_is(STR("application/vnd.x+y-z.1")));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (media_type_is(str_of(none[i])))
			fail_msg("%s", none[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_has_a_type_or_not),
		cmocka_unit_test(a_bad_word_is_told),
		cmocka_unit_test(a_type_is_one_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
