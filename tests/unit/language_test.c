/* Choosing a language by Accept-Language. */
#include "lib/language.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *accept;
	enum language language;
} rows[] = {
	{ NULL, LANGUAGE_ENGLISH },
	{ "", LANGUAGE_ENGLISH },
	{ "de", LANGUAGE_GERMAN },
	{ "DE", LANGUAGE_GERMAN },
	{ "fr-CA", LANGUAGE_FRENCH },
	{ "es-419,es;q=0.9", LANGUAGE_SPANISH },
	{ "de-CH-1996", LANGUAGE_GERMAN },
	{ "it", LANGUAGE_ENGLISH },
	{ "it, fr;q=0.2", LANGUAGE_FRENCH },
	{ "deutsch", LANGUAGE_ENGLISH },
	{ "d", LANGUAGE_ENGLISH },
	/* the highest weight, of equal ones the first */
	{ "fr, de", LANGUAGE_FRENCH },
	{ "de;q=0.5, fr;q=0.8, es;q=0.7", LANGUAGE_FRENCH },
	{ "de;q=0.501, fr;q=0.502", LANGUAGE_FRENCH },
	{ "fr;q=0.5,en;q=0.5", LANGUAGE_FRENCH },
	{ "de;q=0.2, de-AT, fr;q=0.9", LANGUAGE_GERMAN },
	{ "\ten ; q=0.1 ,\tes ; q=0.2", LANGUAGE_SPANISH },
	{ "es;Q=1.000, de;q=0.999", LANGUAGE_SPANISH },
	/* no weight: not that one */
	{ "de;q=0", LANGUAGE_ENGLISH },
	{ "de;q=0.000, fr;q=0.001", LANGUAGE_FRENCH },
	/* the others */
	{ "*", LANGUAGE_ENGLISH },
	{ "en;q=0, *", LANGUAGE_GERMAN },
	{ "en;q=0, de;q=0, *;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=0.5, *", LANGUAGE_ENGLISH },
	{ "de, *;q=0.5", LANGUAGE_GERMAN },
	{ "*;q=0", LANGUAGE_ENGLISH },
	/* what is no weight is passed over */
	{ "de;q=2, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=1.001, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=-1, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=0.1234, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=0,5, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;x=1, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;q=1;q=1, fr;q=0.1", LANGUAGE_FRENCH },
	{ "de;", LANGUAGE_GERMAN },
	{ ",,;,-,;q=1,*-", LANGUAGE_ENGLISH },
};

static void the_best_language_is_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum language language = language_choose(str_of(rows[i].accept));

		if (language != rows[i].language)
			fail_msg("row %zu: %s: %s", i, rows[i].accept, language_tags[language]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_language_is_chosen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
