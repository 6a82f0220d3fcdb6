/* What one emoji is, and its one spelling. */
#include "lib/emoji.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VS "\uFE0F"
#define ZWJ "\u200D"
#define TAG(letter) "\xf3\xa0\x81" letter
#define TAG_G TAG("\xa7")
#define TAG_B TAG("\xa2")
#define TAG_S TAG("\xb3")
#define TAG_C TAG("\xa3")
#define TAG_T TAG("\xb4")
#define TAG_LAST TAG("\xbf")
#define FAMILY "👨" ZWJ "👩" ZWJ "👧" ZWJ "👦"

static const struct {
	const char *text;
	const char *expected; /* NULL: it is none */
} rows[] = {
	{ "👍", "👍" },
	{ "🎉", "🎉" },
	/* one spelling */
	{ "❤", "❤" VS },
	{ "❤" VS, "❤" VS },
	{ "👍" VS, "👍" },
	{ "☝" VS "🏽", "☝🏽" },
	{ "©", "©" VS },
	{ "1" VS "\u20E3", "1" VS "\u20E3" },
	{ "1\u20E3", "1" VS "\u20E3" },
	{ "#\u20E3", "#" VS "\u20E3" },
	{ "*" VS "\u20E3", "*" VS "\u20E3" },
	{ "👩" ZWJ "❤" ZWJ "👩", "👩" ZWJ "❤" VS ZWJ "👩" },
	{ "🏃" ZWJ "♂", "🏃" ZWJ "♂" VS },
	{ "🏳" ZWJ "🌈", "🏳" VS ZWJ "🌈" },
	/* as it is */
	{ "👍🏽", "👍🏽" },
	{ "🏳" VS ZWJ "🌈", "🏳" VS ZWJ "🌈" },
	{ "🏴" ZWJ "☠" VS, "🏴" ZWJ "☠" VS },
	{ FAMILY, FAMILY },
	{ "👨🏻" ZWJ "❤" VS ZWJ "💋" ZWJ "👨🏻",
		"👨🏻" ZWJ "❤" VS ZWJ "💋" ZWJ "👨🏻" },
	{ "🧑🏿" ZWJ "🦰", "🧑🏿" ZWJ "🦰" },
	{ "🇩🇪", "🇩🇪" },
	{ "🏴" TAG_G TAG_B TAG_S TAG_C TAG_T TAG_LAST,
		"🏴" TAG_G TAG_B TAG_S TAG_C TAG_T TAG_LAST },
	{ "🏴", "🏴" },
	{ "\U0001FAE9", "\U0001FAE9" }, /* of Unicode 16 */
	{ "\U0001FAFF", "\U0001FAFF" }, /* set aside */
	/* none */
	{ "", NULL },
	{ "a", NULL },
	{ "1", NULL },
	{ "#", NULL },
	{ "1" VS, NULL },
	{ "a" VS, NULL },
	{ "a\u20E3", NULL },
	{ " ", NULL },
	{ "👍 ", NULL },
	{ " 👍", NULL },
	{ ":+1:", NULL },
	{ "★", NULL }, /* a pictograph, and no emoji */
	{ "é", NULL },
	{ "中", NULL },
	{ "%", NULL },
	{ "/", NULL },
	/* more than one, or less */
	{ "👍👍", NULL },
	{ "👍🏽🏽", NULL },
	{ "🏽", NULL },
	{ "👽🏽", NULL }, /* takes no skin tone */
	{ "🇩", NULL },
	{ "🇩🇪🇫", NULL },
	{ "🇩👍", NULL },
	{ VS, NULL },
	{ ZWJ, NULL },
	{ VS "❤", NULL },
	{ "❤" VS VS, NULL },
	{ "❤\uFE0E", NULL }, /* is to be shown as text */
	{ "👩" ZWJ, NULL },
	{ ZWJ "👩", NULL },
	{ "👩" ZWJ ZWJ "👩", NULL },
	{ "👩" ZWJ VS "❤", NULL },
	{ "👩" ZWJ "a", NULL },
	{ "🇩🇪" ZWJ "👩", NULL },
	{ "\u20E3", NULL },
	/* tags that are no region's */
	{ "🏴" TAG_LAST, NULL },
	{ "🏴" TAG_G TAG_B TAG_LAST, NULL },
	{ "🏴" TAG_G TAG_B TAG_S TAG_C TAG_T, NULL },
	{ "🏴" TAG_G TAG_B TAG_S TAG_C TAG_T TAG_T TAG_T TAG_LAST, NULL },
	{ "👍" TAG_G TAG_B TAG_S TAG_C TAG_T TAG_LAST, NULL },
	/* ill-formed */
	{ "\xf0\x9f\x91", NULL },
	{ "\xf0\x82\x84\xa9", NULL },
	{ "👍\xff", NULL },
	{ "\xed\xa0\xbd", NULL },
	/* 61 bytes, and 68; 63 as it came, and 69 with what belongs to it */
	{ FAMILY ZWJ FAMILY ZWJ "👦", FAMILY ZWJ FAMILY ZWJ "👦" },
	{ FAMILY ZWJ FAMILY ZWJ FAMILY, NULL },
	{ FAMILY ZWJ FAMILY ZWJ "❤" ZWJ "❤", NULL },
	{ FAMILY ZWJ FAMILY ZWJ "❤", FAMILY ZWJ FAMILY ZWJ "❤" VS },
};

static void one_emoji_has_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[EMOJI_MAX_BYTES + 1] = "untouched";
		const char *expected = rows[i].expected ? rows[i].expected : "untouched";
		enum err err = emoji_read(str_of(rows[i].text), out);
		if (err != (rows[i].expected ? OK : ERR_INVALID_INPUT) ||
			strcmp(out, expected) != 0)
			fail_msg("row %zu: '%s' is err %d, '%s'", i, rows[i].text, err, out);
	}
}

static void nul_ends_nothing(void **state)
{
	char out[EMOJI_MAX_BYTES + 1];
	(void)state;
	assert_int_equal(emoji_read(STR("👍\0👍"), out), ERR_INVALID_INPUT);
	assert_int_equal(emoji_read(STR("👍\0"), out), ERR_INVALID_INPUT);
}

static void tables_ascend_and_do_not_overlap(void **state)
{
	static const struct {
		const struct text_range *ranges;
		size_t count;
	} tables[] = { { text_styled, COUNT(text_styled) },
		{ picture_styled, COUNT(picture_styled) }, { toned, COUNT(toned) } };
	(void)state;
	for (size_t i = 0; i < COUNT(tables); i++) {
		for (size_t j = 0; j < tables[i].count; j++) {
			const struct text_range *range = &tables[i].ranges[j];
			if (range->last < range->first || (j > 0 && range->first <= range[-1].last))
				fail_msg("table %zu, row %zu", i, j);
		}
	}
	for (size_t i = 0; i < COUNT(text_styled); i++) {
		for (uint32_t point = text_styled[i].first; point <= text_styled[i].last; point++)
			assert_false(text_in_ranges(picture_styled, COUNT(picture_styled), point));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_emoji_has_one_spelling),
		cmocka_unit_test(nul_ends_nothing),
		cmocka_unit_test(tables_ascend_and_do_not_overlap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
