/* Checks of text from outside: the edges of every range, and what must be refused. */
#include "lib/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

struct bytes_row {
	struct str text;
	bool good;
};

static void check_rows(const struct bytes_row *rows, size_t nrows, bool (*check)(struct str))
{
	for (size_t i = 0; i < nrows; i++) {
		/* an exact copy, so that a sanitizer sees a step too far */
		char *copy = malloc(rows[i].text.len + 1);
		assert_non_null(copy);
		char *exact = realloc(copy, rows[i].text.len ? rows[i].text.len : 1);
		assert_non_null(exact);
		if (rows[i].text.len > 0)
			memcpy(exact, rows[i].text.ptr, rows[i].text.len);
		bool answer = check((struct str){ exact, rows[i].text.len });
		free(exact);
		if (answer != rows[i].good)
			fail_msg("row %zu: \"%.*s\" (%zu bytes)", i, (int)rows[i].text.len,
				rows[i].text.ptr, rows[i].text.len);
	}
}

#define T(literal)                                                                                 \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static void utf8(void **state)
{
	(void)state;
	static const struct bytes_row rows[] = {
		{ T(""), true },
		{ T("plain"), true },
		{ T("exactly8"), true },
		{ T("a good deal longer than eight bytes"), true },
		{ T("\x01\x7f"), true },
		{ T("\xc2\x80"), true },
		{ T("\xdf\xbf"), true },
		{ T("\xe0\xa0\x80"), true },
		{ T("\xed\x9f\xbf"), true },
		{ T("\xee\x80\x80"), true },
		{ T("\xef\xbf\xbf"), true },
		{ T("\xf0\x90\x80\x80"), true },
		{ T("\xf4\x8f\xbf\xbf"), true },
		{ T("1234567\xc3\xa9 and on"), true },
		{ T("\0"), false },
		{ T("a\0b"), false },
		{ T("12345678\0"), false },
		{ T("1234567\0"), false },
		{ T("\0001234567"), false },
		{ T("123\000567"), false },
		{ T("\x80"), false },
		{ T("\xbf"), false },
		{ T("\xc0\x80"), false },
		{ T("\xc0\xaf"), false },
		{ T("\xc1\xbf"), false },
		{ T("\xc2"), false },
		{ T("\xc2\x7f"), false },
		{ T("\xc2\xc0"), false },
		{ T("\xe0\x80\x80"), false },
		{ T("\xe0\x9f\xbf"), false },
		{ T("\xe1\x80"), false },
		{ T("\xe1\x80\x7f"), false },
		{ T("\xed\xa0\x80"), false },
		{ T("\xed\xbf\xbf"), false },
		{ T("\xf0\x80\x80\x80"), false },
		{ T("\xf0\x8f\xbf\xbf"), false },
		{ T("\xf0\x90\x80"), false },
		{ T("\xf0\x90\x80\x7f"), false },
		{ T("\xf4\x90\x80\x80"), false },
		{ T("\xf5\x80\x80\x80"), false },
		{ T("\xf8\x88\x80\x80\x80"), false },
		{ T("\xfe"), false },
		{ T("\xff"), false },
		{ T("12345678\xff"), false },
		{ T("1234567\xff"), false },
		{ T("\xff"
		    "1234567"),
			false },
	};
	check_rows(rows, ROWS(rows), text_is_utf8);
	assert_true(text_is_utf8((struct str){ NULL, 0 }));
}

/* The four forms of a number of up to 21 bits, whether UTF-8 allows it or not. */
static size_t encode(uint32_t code_point, int len, char out[4])
{
	static const unsigned char marks[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
	for (int i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code_point & 0x3f));
		code_point >>= 6;
	}
	out[0] = (char)(marks[len] | code_point);
	return (size_t)len;
}

static int length_of(uint32_t code_point)
{
	return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

/* Every number that each length can hold, so that no overlong form and no surrogate slips through.
 */
static void every_code_point_has_one_form(void **state)
{
	(void)state;
	static const uint32_t ends[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };
	for (int len = 1; len <= 4; len++) {
		for (uint32_t code_point = 0; code_point < ends[len]; code_point++) {
			char bytes[4];
			struct str text = { bytes, encode(code_point, len, bytes) };
			bool good = code_point > 0 && code_point <= 0x10ffff &&
				    (code_point < 0xd800 || code_point > 0xdfff) &&
				    len == length_of(code_point);
			if (text_is_utf8(text) != good)
				fail_msg("U+%04X in %d bytes", code_point, len);
			if (good && text_code_points(text) != 1)
				fail_msg("U+%04X is not one character", code_point);
		}
	}
}

/* The tables of ranges against the properties, spelled out one by one. */
static void every_code_point_is_of_its_kind(void **state)
{
	(void)state;
	static const uint32_t white[] = { 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680,
		0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
		0x200a, 0x200b, 0x200c, 0x200d, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000,
		0xfeff };
	static const uint32_t overrides[] = { 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066,
		0x2067, 0x2068, 0x2069 };
	for (uint32_t code_point = 1; code_point <= 0x10ffff; code_point++) {
		if (code_point >= 0xd800 && code_point <= 0xdfff)
			continue;
		char bytes[4];
		struct str text = { bytes, encode(code_point, length_of(code_point), bytes) };
		bool blank = false;
		for (size_t i = 0; i < ROWS(white); i++)
			blank = blank || white[i] == code_point;
		bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
		for (size_t i = 0; i < ROWS(overrides); i++)
			control = control || overrides[i] == code_point;
		if (text_is_blank(text) != blank)
			fail_msg("U+%04X blank: %d", code_point, !blank);
		if (text_has_control(text) != control)
			fail_msg("U+%04X control: %d", code_point, !control);
	}
}

static void blank(void **state)
{
	(void)state;
	static const struct bytes_row rows[] = {
		{ T(""), true },
		{ T(" \t\r\n"), true },
		{ T("\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf\xe2\x81\xa0 "), true },
		{ T(" a "), false },
		{ T(" \xc3\xa9"), false },
		{ T("\xe2\x80"), false },
		{ T(" \xff"), false },
		{ T("\0"), false },
	};
	check_rows(rows, ROWS(rows), text_is_blank);
}

static void control(void **state)
{
	(void)state;
	static const struct bytes_row rows[] = {
		{ T(""), false },
		{ T("Zo\xc3\xab \xe2\x80\x99 \xf0\x9f\x98\x80"), false },
		{ T("line\nbreak"), true },
		{ T("tab\t"), true },
		{ T("a\0"), true },
		{ T("esc\x1b[31m"), true },
		{ T("\x7f"), true },
		{ T("\xc2\x85"), true },
		{ T("a\xe2\x80\xae"
		    "b"),
			true },
		{ T("\xe2\x81\xa6"), true },
		{ T("\xe2\x80\x8f"), false },
		{ T("cut \xe2\x80"), true },
		{ T("\xff"), true },
	};
	check_rows(rows, ROWS(rows), text_has_control);
}

static void code_points(void **state)
{
	(void)state;
	assert_int_equal(text_code_points(STR("")), 0);
	assert_int_equal(text_code_points(STR("abc")), 3);
	assert_int_equal(text_code_points(STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 4);
	assert_int_equal(text_code_points((struct str){ NULL, 0 }), 0);
}

static void integers(void **state)
{
	(void)state;
	const long long least = LLONG_MIN, most = LLONG_MAX;
	static const struct {
		const char *text;
		long long min, max;
		bool good;
		long long value;
	} rows[] = {
		{ "0", 0, 9, true, 0 },
		{ "7", 0, 9, true, 7 },
		{ "9", 0, 9, true, 9 },
		{ "10", 0, 9, false, 0 },
		{ "-1", 0, 9, false, 0 },
		{ "-1", -1, 9, true, -1 },
		{ "-10", -10, 9, true, -10 },
		{ "-11", -10, 9, false, 0 },
		{ "9223372036854775807", LLONG_MIN, LLONG_MAX, true, LLONG_MAX },
		{ "9223372036854775808", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "-9223372036854775808", LLONG_MIN, LLONG_MAX, true, LLONG_MIN },
		{ "-9223372036854775809", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "99999999999999999999999999999999", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "-", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "--1", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "+1", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "-0", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "00", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "01", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "-01", LLONG_MIN, LLONG_MAX, false, 0 },
		{ " 1", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "1 ", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "1.0", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "1e3", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "0x10", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "1_000", LLONG_MIN, LLONG_MAX, false, 0 },
		{ "\xd9\xa1", LLONG_MIN, LLONG_MAX, false, 0 },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		long long value = 4711;
		bool good = text_parse_int(str_of(rows[i].text), rows[i].min, rows[i].max, &value);
		if (good != rows[i].good || value != (good ? rows[i].value : 4711))
			fail_msg("\"%s\": %d, %lld", rows[i].text, good, value);
	}
	long long value = 4711;
	assert_false(text_parse_int((struct str){ NULL, 0 }, least, most, &value));
	assert_false(text_parse_int((struct str){ "1\0", 2 }, least, most, &value));
	assert_int_equal(value, 4711);
}

static void base64(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		size_t bytes;
	} rows[] = {
		{ "", true, 0 },
		{ "AA==", true, 1 },
		{ "/w==", true, 1 },
		{ "AAA=", true, 2 },
		{ "//8=", true, 2 },
		{ "AAAA", true, 3 },
		{ "abc+", true, 3 },
		{ "ab/9", true, 3 },
		{ "SGVsbG8sIHdvcmxkIQ==", true, 13 },
		{ "A", false, 0 },
		{ "AA", false, 0 },
		{ "AAA", false, 0 },
		{ "AA=", false, 0 },
		{ "A===", false, 0 },
		{ "====", false, 0 },
		{ "AB==", false, 0 },
		{ "AAB=", false, 0 },
		{ "/x==", false, 0 },
		{ "AA==AAAA", false, 0 },
		{ "AAA=AAAA", false, 0 },
		{ "AAAAA===", false, 0 },
		{ "=AAA", false, 0 },
		{ "A=AA", false, 0 },
		{ "AA=A", false, 0 },
		{ "AA-_", false, 0 },
		{ "AA A", false, 0 },
		{ "AAA\n", false, 0 },
		{ "AAAA\n", false, 0 },
		{ "AA\xc3\xa9", false, 0 },
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t bytes = 4711;
		bool good = text_is_base64(str_of(rows[i].text), &bytes);
		if (good != rows[i].good || bytes != (good ? rows[i].bytes : 4711))
			fail_msg("\"%s\": %d, %zu bytes", rows[i].text, good, bytes);
	}
}

/* What libsodium writes is taken with its length; what it refuses to read is refused. */
static void base64_agrees_with_a_decoder(void **state)
{
	(void)state;
	for (size_t len = 0; len < 100; len++) {
		unsigned char bytes[100];
		char text[200];
		size_t decoded = 4711;
		randombytes_buf(bytes, sizeof(bytes));
		sodium_bin2base64(text, sizeof(text), bytes, len, sodium_base64_VARIANT_ORIGINAL);
		if (!text_is_base64(str_of(text), &decoded) || decoded != len)
			fail_msg("%zu bytes as \"%s\": %zu", len, text, decoded);
		if (len == 0)
			continue;
		/* ASCII alone: libsodium 1.0.18 takes every byte above it for a digit */
		for (int byte = 1; byte < 128; byte++) {
			text[len % strlen(text)] = (char)byte;
			size_t taken = 0;
			bool theirs =
				sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL,
					&taken, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
			if (text_is_base64(str_of(text), &decoded) != theirs ||
				(theirs && taken != decoded))
				fail_msg("\"%s\": decoder says %d", text, theirs);
		}
	}
}

static void strings(void **state)
{
	(void)state;
	assert_true(str_equal_nocase(STR("Content-Type"), STR("content-tYPE")));
	assert_false(str_equal_nocase(STR("a"), STR("ab")));
	assert_false(str_equal_nocase(STR("["), STR("{")));
	assert_false(str_equal_nocase(STR("@"), STR("`")));
	assert_false(str_equal_nocase(STR("\xc3\x89"), STR("\xc3\xa9")));
	assert_true(str_equal_nocase((struct str){ NULL, 0 }, STR("")));
	assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
	assert_true(str_starts(STR("a"), STR("")));
	assert_true(str_starts((struct str){ NULL, 0 }, STR("")));
	assert_false(str_starts(STR("Bear"), STR("Bearer ")));
	assert_false(str_starts(STR("bearer x"), STR("Bearer ")));
	assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
	assert_true(str_equal(str_trim(STR("\na\n")), STR("\na\n")));
	assert_int_equal(str_trim(STR(" \t ")).len, 0);
	assert_int_equal(str_trim((struct str){ NULL, 0 }).len, 0);
}

static void words(void **state)
{
	(void)state;
	struct str list = STR(" \tone  two\tthree "), word;
	static const char *const expected[] = { "one", "two", "three" };
	for (size_t i = 0; i < ROWS(expected); i++) {
		assert_true(text_next_word(&list, &word));
		assert_true(str_equal(word, str_of(expected[i])));
	}
	assert_false(text_next_word(&list, &word));
	list = (struct str){ NULL, 0 };
	assert_false(text_next_word(&list, &word));
}

static void secrets(void **state)
{
	(void)state;
	assert_true(text_equal_secret(STR("secret"), STR("secret")));
	assert_false(text_equal_secret(STR("secret"), STR("secreT")));
	assert_false(text_equal_secret(STR("secret"), STR("secret ")));
	assert_false(text_equal_secret(STR("secret"), STR("")));
	assert_false(text_equal_secret(STR("a\0b"), STR("a\0c")));
	assert_true(text_equal_secret(STR(""), (struct str){ NULL, 0 }));
}

static void base64url_has_64_digits_and_no_more(void **state)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char text[3] = { 'A', (char)byte, 'A' };
		bool digit = byte != 0 && strchr(digits, byte) != NULL;

		if (text_is_base64url((struct str){ text, sizeof(text) }) != digit)
			fail_msg("byte %d", byte);
	}
	assert_true(text_is_base64url(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8),
		cmocka_unit_test(every_code_point_has_one_form),
		cmocka_unit_test(every_code_point_is_of_its_kind),
		cmocka_unit_test(blank),
		cmocka_unit_test(control),
		cmocka_unit_test(code_points),
		cmocka_unit_test(integers),
		cmocka_unit_test(base64),
		cmocka_unit_test(base64_agrees_with_a_decoder),
		cmocka_unit_test(strings),
		cmocka_unit_test(words),
		cmocka_unit_test(secrets),
		cmocka_unit_test(base64url_has_64_digits_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
