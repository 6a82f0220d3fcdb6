/* The strict scan and the walk: what is one JSON document, and why anything else is none. */
#include "lib/json_scan.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
	struct str text;
	const char *why; /* NULL: it is a document */
};

#define GOOD(literal)                                                                              \
	{                                                                                          \
		STR(literal), NULL                                                                 \
	}
#define BAD(literal, why)                                                                          \
	{                                                                                          \
		STR(literal), why                                                                  \
	}

static const struct row grammar[] = {
	GOOD("{}"),
	GOOD("[]"),
	GOOD("null"),
	GOOD(" \t\r\n true \t\r\n "),
	GOOD("false"),
	GOOD("\"\""),
	GOOD("0"),
	GOOD("-0"),
	GOOD("-0.0e-0"),
	GOOD("123.456E+78"),
	GOOD("[1,2 , 3]"),
	GOOD("{\"a\" : {\"a\":[{\"a\":null}]} , \"b\":\"a\"}"),
	GOOD("{\"\":0}"),
	BAD("", "a value is missing at byte 0"),
	BAD("  ", "a value is missing at byte 2"),
	BAD("{} {}", "something follows the document at byte 3"),
	BAD("{}\0", "something follows the document at byte 2"),
	BAD("\xef\xbb\xbf{}", "a value is missing at byte 0"),
	BAD("\f{}", "a value is missing at byte 0"),
	BAD("\xc2\xa0{}", "a value is missing at byte 0"),
	BAD("{", "a key is missing at byte 1"),
	BAD("[", "a value is missing at byte 1"),
	BAD("]", "a value is missing at byte 0"),
	BAD("[1", "a comma or bracket is missing at byte 2"),
	BAD("[1,]", "a value is missing at byte 3"),
	BAD("[,1]", "a value is missing at byte 1"),
	BAD("[1 2]", "a comma or bracket is missing at byte 3"),
	BAD("[1}", "a comma or bracket is missing at byte 2"),
	BAD("{\"a\":1]", "a comma or bracket is missing at byte 6"),
	BAD("{\"a\":1,}", "a key is missing at byte 7"),
	BAD("{\"a\"}", "a colon is missing at byte 4"),
	BAD("{\"a\":}", "a value is missing at byte 5"),
	BAD("{\"a\"::1}", "a value is missing at byte 5"),
	BAD("{a:1}", "a key is missing at byte 1"),
	BAD("{'a':1}", "a key is missing at byte 1"),
	BAD("{1:1}", "a key is missing at byte 1"),
	BAD("[1]// note", "something follows the document at byte 3"),
	BAD("[/* note */]", "a value is missing at byte 1"),
	BAD("tru", "unknown word at byte 0"),
	BAD("trve", "unknown word at byte 0"),
	BAD("True", "a value is missing at byte 0"),
	BAD("nullx", "something follows the document at byte 4"),
	BAD("NaN", "a value is missing at byte 0"),
	BAD("Infinity", "a value is missing at byte 0"),
	BAD("-Infinity", "a digit is missing at byte 1"),
	BAD("nan", "unknown word at byte 0"),
};

static const struct row numbers[] = {
	GOOD("9223372036854775808"),
	GOOD("123456789012345678901234567890"),
	GOOD("1e307"),
	GOOD("99e306"),
	GOOD("5e-324"),
	GOOD("0.00000000000000000000000000000000000000000001"),
	BAD("-", "a digit is missing at byte 1"),
	BAD("+1", "a value is missing at byte 0"),
	BAD("--1", "a digit is missing at byte 1"),
	BAD("01", "leading zero at byte 0"),
	BAD("-01", "leading zero at byte 1"),
	BAD("00", "leading zero at byte 0"),
	BAD("1.", "a digit is missing at byte 2"),
	BAD(".5", "a value is missing at byte 0"),
	BAD("1.e5", "a digit is missing at byte 2"),
	BAD("1e", "a digit is missing at byte 2"),
	BAD("1e+", "a digit is missing at byte 3"),
	BAD("1e1.5", "something follows the document at byte 3"),
	BAD("0x10", "something follows the document at byte 1"),
	BAD("1_000", "something follows the document at byte 1"),
	BAD("1e308", "number out of range at byte 0"),
	BAD("-99e307", "number out of range at byte 0"),
	BAD("[1e-401]", "number out of range at byte 1"),
	BAD("1e99999999999999999999", "number out of range at byte 0"),
	BAD("1e-99999999999999999999", "number out of range at byte 0"),
};

static const struct row strings[] = {
	GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	GOOD("\"\\u0001\\u00fF\\uFFFF\""),
	GOOD("\"\\ud83d\\ude00\""),
	GOOD("\"\\uDBFF\\uDFFF\""),
	GOOD("\"\x7f\""),
	GOOD("\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf\""),
	GOOD("\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""),
	BAD("\"", "unfinished string at byte 0"),
	BAD("\"abc", "unfinished string at byte 0"),
	BAD("\"\\\"", "unfinished string at byte 0"),
	BAD("\"\\", "unfinished escape at byte 1"),
	BAD("\"\\a\"", "unknown escape at byte 1"),
	BAD("\"\\x41\"", "unknown escape at byte 1"),
	BAD("\"\\'\"", "unknown escape at byte 1"),
	BAD("\"\\U0041\"", "unknown escape at byte 1"),
	BAD("\"\\u\"", "bad \\u escape at byte 1"),
	BAD("\"\\u00g0\"", "bad \\u escape at byte 1"),
	BAD("\"\\u004\"", "bad \\u escape at byte 1"),
	BAD("\"\\u004", "bad \\u escape at byte 1"),
	BAD("\"\\u0000\"", "U+0000 at byte 1"),
	BAD("{\"a\\u0000b\":1}", "U+0000 at byte 3"),
	BAD("\"\\ud800\"", "lone surrogate at byte 1"),
	BAD("\"\\udc00\"", "lone surrogate at byte 1"),
	BAD("\"\\ude00\\ud83d\"", "lone surrogate at byte 1"),
	BAD("\"\\ud83d\\ud83d\"", "lone surrogate at byte 1"),
	BAD("\"\\ud83dx\"", "lone surrogate at byte 1"),
	BAD("\"\\ud83d\\n\"", "lone surrogate at byte 1"),
	BAD("\"\\ud83d\\u0041\"", "lone surrogate at byte 1"),
	BAD("\"\\ud83d\\ude0\"", "lone surrogate at byte 1"),
	BAD("\"\n\"", "control character in a string at byte 1"),
	BAD("\"\t\"", "control character in a string at byte 1"),
	BAD("\"\x1f\"", "control character in a string at byte 1"),
	BAD("\"\0\"", "control character in a string at byte 1"),
	BAD("\"\x80\"", "bad UTF-8 at byte 1"),
	BAD("\"\xc0\xaf\"", "bad UTF-8 at byte 1"),
	BAD("\"\xc1\xbf\"", "bad UTF-8 at byte 1"),
	BAD("\"\xc3\"", "bad UTF-8 at byte 1"),
	BAD("\"\xc3(\"", "bad UTF-8 at byte 1"),
	BAD("\"\xe0\x9f\xbf\"", "bad UTF-8 at byte 1"),
	BAD("\"\xe2\x82\"", "bad UTF-8 at byte 1"),
	BAD("\"\xed\xa0\x80\"", "bad UTF-8 at byte 1"),
	BAD("\"\xed\xbf\xbf\"", "bad UTF-8 at byte 1"),
	BAD("\"\xf0\x8f\xbf\xbf\"", "bad UTF-8 at byte 1"),
	BAD("\"\xf0\x9f\x98(\"", "bad UTF-8 at byte 1"),
	BAD("\"\xf4\x90\x80\x80\"", "bad UTF-8 at byte 1"),
	BAD("\"\xf5\x80\x80\x80\"", "bad UTF-8 at byte 1"),
	BAD("\"\xff\"", "bad UTF-8 at byte 1"),
	BAD("\"ok\xf0\x9f\x98", "bad UTF-8 at byte 3"),
};

static const struct row repeats[] = {
	GOOD("{\"a\":1,\"b\":{\"a\":1},\"c\":{\"a\":1}}"),
	GOOD("[{\"a\":1},{\"a\":1}]"),
	GOOD("{\"a\":1,\"A\":1,\"aa\":1,\"\":1}"),
	GOOD("{\"b\":{\"x\":1,\"y\":2},\"x\":1,\"y\":2}"),
	BAD("{\"a\":1,\"a\":2}", "duplicate key at byte 7"),
	BAD("{\"\":1,\"\":2}", "duplicate key at byte 6"),
	BAD("{\"a\":1,\"b\":{},\"a\":2}", "duplicate key at byte 14"),
	BAD("{\"a\":1,\"b\":{\"c\":1,\"c\":2}}", "duplicate key at byte 18"),
	BAD("{\"\\u0061\":1,\"a\":2}", "duplicate key at byte 12"),
	BAD("{\"a\":1,\"\\u0061\":2}", "duplicate key at byte 7"),
	BAD("{\"\\u00e9\":1,\"\\u00E9\":2}", "duplicate key at byte 12"),
	BAD("{\"\xc3\xa9\":1,\"\\u00e9\":2}", "duplicate key at byte 8"),
	BAD("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", "duplicate key at byte 10"),
	BAD("{\"\\/\":1,\"/\":2}", "duplicate key at byte 8"),
	BAD("{\"z\":1,\"a\":1,\"m\":1,\"b\":1,\"m\":1}", "duplicate key at byte 25"),
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char why[JSON_WHY_BYTES] = "";
		/* An exact copy, so that a sanitizer sees one byte too many. */
		char *copy = malloc(rows[i].text.len + 1);
		assert_non_null(copy);
		memcpy(copy, rows[i].text.ptr, rows[i].text.len);
		copy = realloc(copy, rows[i].text.len ? rows[i].text.len : 1);
		enum err err =
			json_scan((struct str){ copy, rows[i].text.len }, JSON_DEPTH_MAX, why);
		free(copy);
		if (err == (rows[i].why ? ERR_MALFORMED : OK) &&
			strcmp(why, rows[i].why ? rows[i].why : "") == 0)
			continue;
		fail_msg("row %zu: %s: got \"%s\", expected \"%s\"", i, rows[i].text.ptr, why,
			rows[i].why ? rows[i].why : "");
	}
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_grammar(void **state)
{
	(void)state;
	CHECK_ROWS(grammar);
}

static void test_numbers(void **state)
{
	(void)state;
	CHECK_ROWS(numbers);
}

static void test_strings(void **state)
{
	(void)state;
	CHECK_ROWS(strings);
}

static void test_repeats(void **state)
{
	(void)state;
	CHECK_ROWS(repeats);
}

/* What a document of count brackets comes to at depth max. */
static enum err scan_nested(char opening, char closing, size_t count, unsigned max)
{
	char text[4096], why[JSON_WHY_BYTES];
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		text[len++] = opening;
		if (opening == '{' && i + 1 < count) {
			memcpy(text + len, "\"k\":", 4);
			len += 4;
		}
	}
	for (size_t i = 0; i < count; i++)
		text[len++] = closing;
	return json_scan((struct str){ text, len }, max, why);
}

static void test_depth(void **state)
{
	(void)state;
	static const struct {
		size_t count;
		unsigned max;
		enum err expected;
	} rows[] = {
		{ 1, 0, ERR_MALFORMED },
		{ 1, 1, OK },
		{ 8, 8, OK },
		{ 9, 8, ERR_MALFORMED },
		{ 64, 1000000, OK },
		{ 65, 1000000, ERR_MALFORMED },
		{ 500, 8, ERR_MALFORMED },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (scan_nested('[', ']', rows[i].count, rows[i].max) != rows[i].expected ||
			scan_nested('{', '}', rows[i].count, rows[i].max) != rows[i].expected)
			fail_msg("row %zu", i);
	}
	/* Beside each other is not inside each other. */
	char why[JSON_WHY_BYTES];
	assert_int_equal(json_scan(STR("[[],[],{},[[]]]"), 3, why), OK);
}

/* An object of count keys; the last is as the first when repeat. */
static struct str object_of(size_t count, bool repeat)
{
	char *text = malloc(count * 16 + 3);
	assert_non_null(text);
	size_t len = 0;
	text[len++] = '{';
	for (size_t i = 0; i < count; i++) {
		/* Neither rising nor falling. */
		size_t number = repeat && i + 1 == count ? 0 : i * 2654435761u % 1000000007u;
		len += (size_t)sprintf(text + len, "%s\"%zx\":0", i ? "," : "", number);
	}
	text[len++] = '}';
	return (struct str){ text, len };
}

static void test_many_keys(void **state)
{
	(void)state;
	static const struct {
		size_t count;
		bool repeat;
		const char *why;
	} rows[] = {
		{ JSON_KEYS_MAX, false, NULL },
		{ JSON_KEYS_MAX, true, "duplicate key" },
		{ JSON_KEYS_MAX + 1, false, "too many keys" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[JSON_WHY_BYTES] = "";
		struct str text = object_of(rows[i].count, rows[i].repeat);
		enum err err = json_scan(text, JSON_DEPTH_MAX, why);
		free((void *)(uintptr_t)text.ptr);
		if (err != (rows[i].why ? ERR_MALFORMED : OK) ||
			(rows[i].why && strncmp(why, rows[i].why, strlen(rows[i].why)) != 0))
			fail_msg("row %zu: %s", i, why);
	}
}

/* Keys count while their object is open: a long list of small objects is no large one. */
static void test_many_objects(void **state)
{
	(void)state;
	static const char element[] = "{\"a\":0,\"b\":0},";
	static char text[JSON_NODES_MAX * sizeof(element)];
	char why[JSON_WHY_BYTES];
	size_t len = 0;
	text[len++] = '[';
	for (size_t i = 0; i < JSON_NODES_MAX - 1; i++) {
		memcpy(text + len, element, sizeof(element) - 1);
		len += sizeof(element) - 1;
	}
	text[len - 1] = ']';
	assert_int_equal(json_scan((struct str){ text, len }, 2, why), OK);
	memcpy(text + len - 1, ",[]]", 4);
	assert_int_equal(json_scan((struct str){ text, len + 3 }, 2, why), ERR_MALFORMED);
	assert_memory_equal(why, "too many objects and arrays", 27);
}

static void test_raw(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *key;
		const char *raw; /* NULL: not there */
	} rows[] = {
		{ "{\"a\":1}", "a", "1" },
		{ "{\"a\":1}", "b", NULL },
		{ " { \"a\" : { \"b\" : [ 1 , \"}\" ] } , \"c\" : 2 } ", "a",
			"{ \"b\" : [ 1 , \"}\" ] }" },
		{ " { \"a\" : { \"b\" : 1 } , \"c\" : 2 } ", "c", "2" },
		{ "{\"a\":{\"b\":1}}", "b", NULL },
		{ "{\"b\":\"a\",\"a\":\"x\"}", "a", "\"x\"" },
		{ "{\"x\":\"\\\"a\\\":1,\",\"a\":[]}", "a", "[]" },
		{ "{\"\\u0061\":null}", "a", "null" },
		{ "{\"\":true}", "", "true" },
		{ "{}", "a", NULL },
		{ "[\"a\",1]", "a", NULL },
		{ "\"a\"", "a", NULL },
		{ "", "a", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str raw = STR("untouched");
		bool found = json_raw(str_of(rows[i].text), rows[i].key, &raw);
		struct str expected = rows[i].raw ? str_of(rows[i].raw) : STR("untouched");
		if (found != (rows[i].raw != NULL) || !str_equal(raw, expected))
			fail_msg("row %zu: %.*s", i, (int)raw.len, raw.ptr);
	}
}

static void test_compare(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		int order;
	} rows[] = {
		{ "", "", 0 },
		{ "", "a", -1 },
		{ "a", "b", -1 },
		{ "a", "aa", -1 },
		{ "\\u0061", "a", 0 },
		{ "\\u0061", "b", -1 },
		{ "\\u0061b", "a", 1 },
		{ "\\n", "\\u000a", 0 },
		{ "\\/", "/", 0 },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80", 0 },
		/* above the surrogates in UTF-8, below them in UTF-16 */
		{ "\\uffff", "\\ud83d\\ude00", -1 },
		{ "\xef\xbf\xbf", "\xf0\x9f\x98\x80", -1 },
		{ "\\u00e9", "z", 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str a = str_of(rows[i].a), b = str_of(rows[i].b);
		int there = json_compare(a, b), back = json_compare(b, a);
		if ((there > 0) - (there < 0) != rows[i].order ||
			(back > 0) - (back < 0) != -rows[i].order)
			fail_msg("row %zu: %d, %d", i, there, back);
	}
}

/* Text that was not scanned gives nonsense, never a byte outside of it. */
static void test_walk_unscanned(void **state)
{
	(void)state;
	static const char *const rows[] = { "\"", "\"\\", "{\"", "{\"a", "{\"a\":", "{\"\\u00\":1}",
		"{\"\\ud83d\":1}", "{\"\xf0\":1}", "}}", "{]", "{\"a\"}", "[", "{:::,,,}" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i]);
		char *copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, rows[i], len);
		struct str raw, rest = { copy, len }, value;
		if (json_raw((struct str){ copy, len }, "b", &raw))
			fail_msg("row %zu: found", i);
		while (json_walk(&rest, &value))
			assert_true(value.len > 0 && value.ptr + value.len <= copy + len);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_many_objects),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_walk_unscanned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
