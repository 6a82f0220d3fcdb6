/* Snippets of what was found, and where in them the words are. */
#include "lib/model/search.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/time.h"

/* Of a text of so many repeats of a word and a blank, the same with the marks around one of them. */
struct text {
	char body[8192];
	char marked[8192];
};

static void text_make(struct text *text, const char *word, int count, int marked)
{
	text->body[0] = text->marked[0] = '\0';
	for (int i = 0; i < count; i++) {
		strcat(strcat(text->body, word), " ");
		strcat(text->marked, i == marked ? "\x01" : "");
		strcat(strcat(text->marked, word), i == marked ? "\x02 " : " ");
	}
}

/* What is behind the message in the answer. */
static const char *written(const char *body, const char *marked)
{
	static char out[16384];
	struct buf buf = { 0 };
	const struct search_hit hit = {
		.message = { .type = STR("text"),
			.body = str_of(body),
			.edited_at_us = TIME_NONE,
			.deleted_at_us = TIME_NONE },
		.marked = str_of(marked),
	};
	search_hit_write(&buf, &hit);
	buf_add_char(&buf, '\0');
	snprintf(out, sizeof(out), "%s", strstr(buf.data, "\"snippet\""));
	buf_free(&buf);
	return out;
}

static void short_texts_are_shown_whole(void **state)
{
	(void)state;
	static const struct {
		const char *body, *marked, *expected;
	} rows[] = {
		{ "one two", "one two", "\"snippet\":\"one two\",\"highlights\":[]}" },
		{ "one two", "\x01one\x02 two", "\"snippet\":\"one two\",\"highlights\":[[0,3]]}" },
		{ "one two", "\x01one\x02 \x01two\x02",
			"\"snippet\":\"one two\",\"highlights\":[[0,3],[4,7]]}" },
		/* code points, not bytes; what is a blank there is what it is in the body */
		{ "<b>👍 Grüße</b>", " b 👍 \x01Grüße\x02  b ",
			"\"snippet\":\"<b>👍 Grüße</b>\",\"highlights\":[[5,10]]}" },
		/* marks that do not belong together show nothing wrong */
		{ "one", "\x02one", "\"snippet\":\"one\",\"highlights\":[[0,0]]}" },
		{ "one", "one two \x01three\x02", "\"snippet\":\"one\",\"highlights\":[]}" },
		{ "", "", "\"snippet\":\"\",\"highlights\":[]}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *out = written(rows[i].body, rows[i].marked);
		if (strcmp(out, rows[i].expected) != 0)
			fail_msg("row %zu: %s", i, out);
	}
}

static void long_ones_around_the_first_word(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		int count, marked, begin,
			shown; /* where it is highlighted, and how long the snippet is */
	} rows[] = {
		{ "word", 100, 0, 0, 200 },
		{ "word", 100, 9, 45, 200 },
		/* from a word on, not from within one */
		{ "word", 100, 50, 50, 200 },
		{ "words", 100, 50, 48, 200 },
		{ "word", 100, 99, 195, 200 },
		{ "größer", 100, 50, 49, 200 },
		/* none fits into what was marked: from the beginning */
		{ "word", 100, -1, -1, 200 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text;
		char expected[64] = "\"highlights\":[]}";
		text_make(&text, rows[i].word, rows[i].count, rows[i].marked);
		if (rows[i].marked >= 0)
			snprintf(expected, sizeof(expected), "\"highlights\":[[%d,%d]]}",
				rows[i].begin,
				rows[i].begin + (int)text_code_points(str_of(rows[i].word)));
		const char *out = written(text.body, text.marked);
		const char *snippet = strchr(out, ':') + 2, *end = strstr(out, "\",\"highlights\"");
		size_t shown = text_code_points((struct str){ snippet, (size_t)(end - snippet) });
		if (strcmp(end + 2, expected) != 0 || shown != (size_t)rows[i].shown)
			fail_msg("row %zu: %zu shown, %s", i, shown, end);
	}
}

static void highlights_are_bounded(void **state)
{
	(void)state;
	char body[256] = "", marked[512] = "";
	size_t count = 0;
	for (int i = 0; i < HIGHLIGHTS_MAX + 8; i++) {
		strcat(body, "a ");
		strcat(marked, "\x01"
			       "a\x02 ");
	}
	const char *highlights = strstr(written(body, marked), "\"highlights\"");
	for (; *highlights != '\0'; highlights++)
		count += highlights[0] == '[' && highlights[1] != '[';
	assert_int_equal(count, HIGHLIGHTS_MAX);
}

static void what_may_be_asked_for(void **state)
{
	(void)state;
	char most[257] = "", more[258] = "";
	memset(most, 'x', 256);
	memset(more, 'x', 257);
	const struct {
		const char *text, *code;
	} rows[] = {
		{ "x", NULL },
		{ most, NULL },
		{ more, "too_long" },
		{ "", "required" },
		{ " \t", "required" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { 0 };
		bool good = search_text_read(str_of(rows[i].text), &faults);
		if (good != (rows[i].code == NULL) || faults.count != !good ||
			(!good && strcmp(faults.items[0].code, rows[i].code) != 0))
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_texts_are_shown_whole),
		cmocka_unit_test(long_ones_around_the_first_word),
		cmocka_unit_test(highlights_are_bounded),
		cmocka_unit_test(what_may_be_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
