/* The tree behind the scan, and the typed fields of requests. */
#include "lib/json_read.c"

#include <stdlib.h>

#include "tests/unit/faults.h"

static int arena_make(void **state)
{
	*state = arena_new();
	return 0;
}

static int arena_drop(void **state)
{
	arena_free(*state);
	return 0;
}

static void test_parse(void **state)
{
	static const struct {
		struct str text;
		enum json_kind kind;
	} rows[] = {
		{ STR("null"), JSON_NULL },
		{ STR(" true "), JSON_BOOL },
		{ STR("false"), JSON_BOOL },
		{ STR("0"), JSON_INT },
		{ STR("-0"), JSON_INT },
		{ STR("12"), JSON_INT },
		{ STR("12 "), JSON_INT },
		{ STR("1.0"), JSON_DOUBLE },
		{ STR("1e3"), JSON_DOUBLE },
		{ STR("-1.5E-3"), JSON_DOUBLE },
		{ STR("123456789012345678901234567890"), JSON_INT },
		{ STR("\"x\""), JSON_STRING },
		{ STR("[]"), JSON_ARRAY },
		{ STR("[[[[[[[[1]]]]]]]]"), JSON_ARRAY },
		{ STR("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}"),
			JSON_OBJECT },
		{ STR("{}"), JSON_OBJECT },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* No NUL behind it: nothing may read on. */
		char *copy = malloc(rows[i].text.len);
		assert_non_null(copy);
		memcpy(copy, rows[i].text.ptr, rows[i].text.len);
		const struct json *document =
			document_parse(*state, (struct str){ copy, rows[i].text.len });
		if (json_kind_of(document) != rows[i].kind)
			fail_msg("row %zu: %s: %d", i, rows[i].text.ptr, json_kind_of(document));
		free(copy);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const rows[] = { "", "{", "{\"a\":1,\"a\":1}", "[[[[[[[[[1]]]]]]]]]",
		"NaN", "'a'", "[1,]", "{} x", "1e999" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[JSON_WHY_BYTES] = "";
		const struct json *untouched = (const struct json *)rows, *document = untouched;
		enum err err = json_parse(*state, str_of(rows[i]), JSON_DEPTH_MAX, why, &document);
		if (err != ERR_MALFORMED || why[0] == '\0' || document != untouched)
			fail_msg("row %zu: %s: \"%s\"", i, rows[i], why);
	}
}

static void test_members(void **state)
{
	const struct json *object =
		document_parse(*state, STR("{\"a\":1,\"n\":null,\"\\u0062\":"
					   "\"\\u0041\\n\\ud83d\\ude00\",\"l\":[1,null,\"x\"]}"));
	assert_int_equal(json_kind_of(json_get(object, "a")), JSON_INT);
	assert_null(json_get(object, "n"));
	assert_null(json_get(object, "none"));
	assert_true(json_is_null(object, "n"));
	assert_false(json_is_null(object, "none"));
	assert_false(json_is_null(object, "a"));
	assert_true(str_equal(json_str(json_get(object, "b")), STR("A\n\xf0\x9f\x98\x80")));

	const struct json *list = json_get(object, "l");
	assert_int_equal(json_length(list), 3);
	assert_null(json_at(list, 1));
	assert_true(str_equal(json_str(json_at(list, 2)), STR("x")));
	assert_null(json_at(list, 3));

	/* Whatever is asked of another kind or of nothing has an answer. */
	assert_null(json_get(list, "a"));
	assert_null(json_get(NULL, "a"));
	assert_false(json_is_null(list, "a"));
	assert_false(json_is_null(NULL, "a"));
	assert_int_equal(json_length(object), 0);
	assert_int_equal(json_length(NULL), 0);
	assert_null(json_at(object, 0));
	assert_null(json_at(NULL, 0));
	assert_null(json_str(list).ptr);
	assert_null(json_str(NULL).ptr);
}

static void test_int(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool good;
		int64_t number;
	} rows[] = {
		{ "0", 0, 0, true, 0 },
		{ "-0", 0, 10, true, 0 },
		{ "7", 0, 10, true, 7 },
		{ "10", 0, 10, true, 10 },
		{ "11", 0, 10, false, 0 },
		{ "-1", 0, 10, false, 0 },
		{ "-5", -5, 10, true, -5 },
		{ "1.0", 0, 10, false, 0 },
		{ "1e0", 0, 10, false, 0 },
		{ "\"1\"", 0, 10, false, 0 },
		{ "true", 0, 10, false, 0 },
		{ "null", 0, 10, false, 0 },
		{ "9007199254740993", 0, INT64_MAX, true, INT64_C(9007199254740993) },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
		{ "18446744073709551615", INT64_MIN, INT64_MAX, false, 0 },
		{ "18446744073709551616", INT64_MIN, INT64_MAX, false, 0 },
		{ "18446744073709551617", INT64_MIN, INT64_MAX, false, 0 },
		{ "99999999999999999999999", INT64_MIN, INT64_MAX, false, 0 },
		{ "-9223372036854775807", INT64_MIN, INT64_MAX, true, -INT64_MAX },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
		{ "-99999999999999999999999", INT64_MIN, INT64_MAX, false, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t number = 4242;
		const struct json *value = document_parse(*state, str_of(rows[i].text));
		bool good = json_int(value, rows[i].min, rows[i].max, &number);
		if (good != rows[i].good || number != (good ? rows[i].number : 4242))
			fail_msg("row %zu: %s: %d, %lld", i, rows[i].text, good, (long long)number);
	}
}

/* Every character that an escape can stand for is that character in the tree. */
static void test_escaped_characters(void **state)
{
	(void)state;
	for (uint32_t code_point = 1; code_point <= 0x10ffff; code_point++) {
		if (code_point >= 0xd800 && code_point <= 0xdfff)
			continue;
		/* Each seventh is enough, and the neighbours of what looks like a surrogate. */
		uint32_t low = code_point & 0xffff;
		if (code_point % 7 != 0 && low != 0xd800 && low != 0xdbff && low != 0xdc00 &&
			low != 0xdfff)
			continue;
		char text[40], expected[8];
		uint32_t above = code_point - 0x10000;
		if (code_point < 0x10000)
			sprintf(text, "\"\\\\ud8\\u%04x\"", code_point);
		else
			sprintf(text, "\"\\\\ud8\\u%04x\\u%04X\"", 0xd800 + (above >> 10),
				0xdc00 + (above & 0x3ff));
		memcpy(expected, "\\ud8", 4);
		size_t len = 4 + json_char_put(code_point, expected + 4);
		struct arena *arena = arena_new();
		struct str string = json_str(document_parse(arena, str_of(text)));
		if (!str_equal(string, (struct str){ expected, len }))
			fail_msg("U+%04X: %s", code_point, text);
		arena_free(arena);
	}
}

/* Which reader a row of the fields is for. */
enum reader {
	BOOL,
	INT,
	UUID,
	BYTES,
	NAME,
	URL,
	OBJECT,
	ARRAY
};

/* Calls it with the limits of the table below, on the field "f". */
static bool read_field(enum reader reader, struct str document, const struct json *object,
	enum json_need need, struct faults *faults)
{
	bool truth;
	int64_t number;
	struct uuid id;
	struct str text;
	const struct json *list;
	switch (reader) {
	case BOOL:
		return json_read_bool(object, "f", need, faults, &truth);
	case INT:
		return json_read_int(object, "f", need, 1, 9, faults, &number);
	case UUID:
		return json_read_uuid(object, "f", need, faults, &id);
	case BYTES:
		return json_read_bytes(object, "f", need, 2, 4, faults, &text);
	case NAME:
		return json_read_name(object, "f", need, 2, 4, faults, &text);
	case URL:
		return json_read_url(object, "f", need, 40, faults, &text);
	case OBJECT:
		return json_read_object(object, document, "f", need, 10, faults, &text);
	case ARRAY:
		return json_read_array(object, "f", need, 2, faults, &list);
	}
	return false;
}

static void test_fields(void **state)
{
	static const struct {
		enum reader reader;
		const char *value;
		const char *code; /* "": good */
	} rows[] = {
		{ BOOL, "true", "" },
		{ BOOL, "false", "" },
		{ BOOL, "0", "bad_type" },
		{ BOOL, "\"true\"", "bad_type" },
		{ INT, "1", "" },
		{ INT, "9", "" },
		{ INT, "0", "out_of_range" },
		{ INT, "10", "out_of_range" },
		{ INT, "99999999999999999999", "out_of_range" },
		{ INT, "1.0", "bad_type" },
		{ INT, "1e0", "bad_type" },
		{ INT, "\"1\"", "bad_type" },
		{ UUID, "\"01890a5d-ac96-774b-bcce-b302099a8057\"", "" },
		{ UUID, "\"01890A5D-AC96-774B-BCCE-B302099A8057\"", "" },
		{ UUID, "\"01890a5dac96774bbcceb302099a8057\"", "bad_format" },
		{ UUID, "\"{01890a5d-ac96-774b-bcce-b302099a8057}\"", "bad_format" },
		{ UUID, "\"\"", "bad_format" },
		{ UUID, "1", "bad_type" },
		{ BYTES, "\"ab\"", "" },
		{ BYTES, "\"\xf0\x9f\x98\x80\"", "" },
		{ BYTES, "\"\\n\\n\"", "" },
		{ BYTES, "\"a\"", "too_short" },
		{ BYTES, "\"\"", "too_short" },
		{ BYTES, "\"abcde\"", "too_long" },
		{ BYTES, "\"a\xf0\x9f\x98\x80\"", "too_long" },
		{ BYTES, "[\"ab\"]", "bad_type" },
		{ NAME, "\"ab\"", "" },
		{ NAME, "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"",
			"" },
		{ NAME, "\"\xf0\x9f\x98\x80\"", "too_short" },
		{ NAME, "\"abcde\"", "too_long" },
		{ NAME, "\"a\\nb\"", "bad_format" },
		{ NAME, "\"a\\u202eb\"", "bad_format" },
		{ NAME, "\"a\\u007f\"", "bad_format" },
		{ NAME, "\"  \"", "bad_format" },
		{ NAME, "\"\\u200b\\u3000\"", "bad_format" },
		{ NAME, "12", "bad_type" },
		{ URL, "\"http://a\"", "" },
		{ URL, "\"HTTPS://a.example:8443/p?q=1#f\"", "" },
		{ URL, "\"http://[::1]/\"", "" },
		{ URL, "\"https://a.example/@b/%20\"", "" },
		{ URL, "\"https://a.example/0123456789012345678901\"", "" },
		{ URL, "\"https://a.example/01234567890123456789012\"", "too_long" },
		{ URL, "\"\"", "bad_format" },
		{ URL, "\"http://\"", "bad_format" },
		{ URL, "\"http:///a\"", "bad_format" },
		{ URL, "\"http:a\"", "bad_format" },
		{ URL, "\"//a.example/\"", "bad_format" },
		{ URL, "\"ftp://a.example/\"", "bad_format" },
		{ URL, "\"javascript:alert(1)\"", "bad_format" },
		{ URL, "\" http://a\"", "bad_format" },
		{ URL, "\"http://a b\"", "bad_format" },
		{ URL, "\"http://a/\\n\"", "bad_format" },
		{ URL, "\"http://a/\\\"\"", "bad_format" },
		{ URL, "\"http://a/<b>\"", "bad_format" },
		{ URL, "\"http://a/\\\\\"", "bad_format" },
		{ URL, "\"http://good.example@a/\"", "bad_format" },
		{ URL, "\"http://a/\xc3\xa9\"", "bad_format" },
		{ URL, "{}", "bad_type" },
		{ OBJECT, "{}", "" },
		{ OBJECT, "{ \"a\": 1 }", "" },
		{ OBJECT, "{\"a\":1234}", "" },
		{ OBJECT, "{\"a\":12345}", "too_long" },
		{ OBJECT, "[]", "bad_type" },
		{ OBJECT, "\"{}\"", "bad_type" },
		{ ARRAY, "[]", "" },
		{ ARRAY, "[1,null]", "" },
		{ ARRAY, "[1,2,3]", "too_long" },
		{ ARRAY, "{}", "bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text =
			str_of(arena_printf(*state, "{\"e\":1, \"f\": %s }", rows[i].value));
		const char *expected =
			rows[i].code[0] ? arena_printf(*state, "f:%s", rows[i].code) : "";
		const struct json *object = document_parse(*state, text);
		for (enum json_need need = JSON_OPTIONAL; need <= JSON_REQUIRED; need++) {
			struct faults faults = { .count = 0 };
			bool good = read_field(rows[i].reader, text, object, need, &faults);
			if (good != (rows[i].code[0] == '\0') ||
				strcmp(faults_line(&faults), expected) != 0)
				fail_msg("row %zu: %s: %d %s", i, rows[i].value, good,
					faults_line(&faults));
		}
	}
}

static void test_absent_fields(void **state)
{
	static const char *const rows[] = { "{}", "{\"f\":null}", "{\"F\":1}", "[]", "null", "1" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct json *object = document_parse(*state, str_of(rows[i]));
		for (enum reader reader = BOOL; reader <= ARRAY; reader++) {
			struct faults faults = { .count = 0 };
			bool good =
				read_field(reader, str_of(rows[i]), object, JSON_OPTIONAL, &faults);
			if (good || faults.count != 0)
				fail_msg("row %zu, reader %d", i, reader);
			good = read_field(reader, str_of(rows[i]), object, JSON_REQUIRED, &faults);
			if (good || strcmp(faults_line(&faults), "f:required") != 0)
				fail_msg("row %zu, reader %d: %s", i, reader, faults_line(&faults));
		}
	}
}

static void test_field_values(void **state)
{
	struct str text = STR("{\"b\":true,\"i\":-3,\"u\":\"01890A5D-AC96-774B-BCCE-B302099A8057\","
			      "\"s\":\"a\\tb\",\"o\": { \"x\" : 1.50 } ,\"l\":[9]}");
	const struct json *object = document_parse(*state, text), *list;
	struct faults faults = { .count = 0 };
	bool truth = false;
	int64_t number;
	struct uuid id;
	char id_text[UUID_TEXT_LEN + 1];
	struct str string;
	assert_true(json_read_bool(object, "b", JSON_REQUIRED, &faults, &truth) && truth);
	assert_true(json_read_int(object, "i", JSON_REQUIRED, -9, 9, &faults, &number));
	assert_int_equal(number, -3);
	assert_true(json_read_uuid(object, "u", JSON_REQUIRED, &faults, &id));
	uuid_format(&id, id_text);
	assert_string_equal(id_text, "01890a5d-ac96-774b-bcce-b302099a8057");
	assert_true(json_read_bytes(object, "s", JSON_REQUIRED, 0, 9, &faults, &string));
	assert_true(str_equal(string, STR("a\tb")));
	assert_true(json_read_object(object, text, "o", JSON_REQUIRED, 99, &faults, &string));
	assert_true(str_equal(string, STR("{ \"x\" : 1.50 }")));
	assert_true(json_read_array(object, "l", JSON_REQUIRED, 1, &faults, &list));
	assert_int_equal(json_length(list), 1);
	assert_true(json_read_top(object, &faults));
	assert_int_equal(faults.count, 0);
	assert_false(json_read_top(list, &faults));
	assert_false(json_read_top(NULL, &faults));
	assert_string_equal(faults_line(&faults), ":bad_type :bad_type");
}

/* More faults than there is room for are dropped, and nothing else is written over. */
static void test_faults_full(void **state)
{
	struct faults faults = { .count = 0 };
	const struct json *object = document_parse(*state, STR("{}"));
	struct uuid id;
	for (size_t i = 0; i < FAULTS_MAX + 4; i++)
		assert_false(json_read_uuid(object, "f", JSON_REQUIRED, &faults, &id));
	assert_int_equal(faults.count, FAULTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parse, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_parse_refuses, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_members, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_int, arena_make, arena_drop),
		cmocka_unit_test(test_escaped_characters),
		cmocka_unit_test_setup_teardown(test_fields, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_absent_fields, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_field_values, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_faults_full, arena_make, arena_drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
