/* The table of translations: whole, each text once, and text that the writer of JSON takes. */
#include "lib/model/translation.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void every_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
		const struct translation *row = &translations[i];
		for (int language = 0; language < LANGUAGE__MAX - 1; language++) {
			const char *text = row->others[language];
			bool sentence = row->english[strlen(row->english) - 1] == '.';
			if (!text || !*text || !text_is_utf8(str_of(text)) ||
				text_has_control(str_of(text)) ||
				(text[strlen(text) - 1] == '.') != sentence)
				fail_msg("row %zu: %s", i, row->english);
		}
		for (size_t other = 0; other < i; other++)
			if (strcmp(translations[other].english, row->english) == 0)
				fail_msg("rows %zu and %zu: %s", other, i, row->english);
	}
}

static void a_text_is_found_or_stays(void **state)
{
	(void)state;
	const char *unknown = "There is no user x.";
	assert_string_equal(translate("Forbidden", LANGUAGE_ENGLISH), "Forbidden");
	assert_string_equal(translate("Forbidden", LANGUAGE_GERMAN), "Nicht erlaubt");
	assert_string_equal(translate("Forbidden", LANGUAGE_FRENCH), "Interdit");
	assert_string_equal(translate("Forbidden", LANGUAGE_SPANISH), "Prohibido");
	assert_ptr_equal(translate(unknown, LANGUAGE_SPANISH), unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(a_text_is_found_or_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
