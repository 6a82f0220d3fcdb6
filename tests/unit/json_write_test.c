/* The writer: escapes, numbers, commas. */
#include "lib/json_write.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Compares what was written, and empties the buffer. */
static void expect(struct buf *buf, const char *expected, size_t row)
{
	buf_add_char(buf, '\0');
	if (strcmp(buf->data, expected) != 0)
		fail_msg("row %zu: %s, not %s", row, buf->data, expected);
	buf_free(buf);
}

static void test_strings(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		const char *json;
	} rows[] = {
		{ { NULL, 0 }, "null" },
		{ STR(""), "\"\"" },
		{ STR("plain"), "\"plain\"" },
		{ STR("\""), "\"\\\"\"" },
		{ STR("\\"), "\"\\\\\"" },
		{ STR("a\"b\\c"), "\"a\\\"b\\\\c\"" },
		{ STR("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"" },
		{ STR("\x01\x0b\x0e\x1f"), "\"\\u0001\\u000b\\u000e\\u001f\"" },
		{ STR("a\0b"), "\"a\\u0000b\"" },
		{ STR("\x7f / \xc3\xa9 \xf0\x9f\x98\x80"), "\"\x7f / \xc3\xa9 \xf0\x9f\x98\x80\"" },
		{ STR("\n at both ends \n"), "\"\\n at both ends \\n\"" },
	};
	struct buf buf = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_write_str(&buf, rows[i].text);
		expect(&buf, rows[i].json, i);
	}
	json_write_string(&buf, NULL);
	json_write_string(&buf, "x");
	expect(&buf, "null,\"x\"", 0);
}

/* Every place of an escape in texts of every length around the width that is looked at at once. */
static void test_string_places(void **state)
{
	(void)state;
	static const struct {
		char byte;
		const char *escaped;
	} rows[] = {
		{ '"', "\\\"" },
		{ '\\', "\\\\" },
		{ '\n', "\\n" },
		{ 0x00, "\\u0000" },
		{ 0x1f, "\\u001f" },
		/* the neighbours, which stay as they are */
		{ ' ', " " },
		{ '!', "!" },
		{ '#', "#" },
		{ '[', "[" },
		{ ']', "]" },
		{ 0x7f, "\x7f" },
		{ (char)0x80, "\x80" },
		{ (char)0xa2, "\xa2" },
		{ (char)0xff, "\xff" },
	};
	enum {
		LEN = 40
	};
	struct buf buf = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * LEN * LEN; i++) {
		size_t row = i / (LEN * LEN), len = i / LEN % LEN, at = i % LEN;
		char text[LEN], expected[LEN + 8];
		if (at >= len)
			continue;
		memset(text, 'x', len);
		text[at] = rows[row].byte;
		sprintf(expected, "\"%.*s%s%.*s\"", (int)at, text, rows[row].escaped,
			(int)(len - at - 1), text + at + 1);
		json_write_str(&buf, (struct str){ text, len });
		assert_int_equal(buf.len, strlen(expected));
		expect(&buf, expected, row);
	}
}

static void test_ints(void **state)
{
	(void)state;
	static const struct {
		int64_t number;
		const char *json;
	} rows[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ -1, "-1" },
		{ 10, "10" },
		{ 1234567890, "1234567890" },
		{ INT64_C(9007199254740991), "9007199254740991" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct buf buf = { 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_write_int(&buf, rows[i].number);
		expect(&buf, rows[i].json, i);
	}
}

static void test_ids_and_times(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct uuid id = { { 0 } };
	json_write_array(&buf);
	json_write_uuid(&buf, &id);
	assert_int_equal(uuid_parse(STR("01890A5D-AC96-774B-BCCE-B302099A8057"), &id), OK);
	json_write_uuid(&buf, &id);
	json_write_time(&buf, TIME_NONE);
	json_write_time(&buf, 0);
	json_write_time(&buf, INT64_C(1795262400123456));
	json_write_array_end(&buf);
	expect(&buf,
		"[null,\"01890a5d-ac96-774b-bcce-b302099a8057\",null,\"1970-01-01T00:00:00."
		"000000Z\","
		"\"2026-11-21T12:00:00.123456Z\"]",
		0);
}

static void test_commas(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	buf_add_string(&buf, "a head that ends in a value's byte: 1\n");
	json_write_object(&buf);
	json_write_key(&buf, "a");
	json_write_array(&buf);
	json_write_int(&buf, 1);
	json_write_int(&buf, -2);
	json_write_bool(&buf, true);
	json_write_bool(&buf, false);
	json_write_null(&buf);
	json_write_string(&buf, "x");
	json_write_string(&buf, "y,");
	json_write_array(&buf);
	json_write_array_end(&buf);
	json_write_array(&buf);
	json_write_array_end(&buf);
	json_write_object(&buf);
	json_write_object_end(&buf);
	json_write_object(&buf);
	json_write_object_end(&buf);
	json_write_array_end(&buf);
	json_write_key(&buf, "b");
	json_write_raw(&buf, STR("{\"z\": 0} \n"));
	json_write_key(&buf, "c");
	json_write_raw(&buf, (struct str){ NULL, 0 });
	json_write_key(&buf, "d");
	json_write_bool(&buf, false);
	json_write_key(&buf, "e");
	json_write_string(&buf, "[");
	json_write_key(&buf, "f");
	json_write_int(&buf, 9);
	json_write_object_end(&buf);
	expect(&buf,
		"a head that ends in a value's byte: 1\n"
		"{\"a\":[1,-2,true,false,null,\"x\",\"y,\",[],[],{},{}],\"b\":{\"z\": "
		"0},\"c\":null,"
		"\"d\":false,\"e\":\"[\",\"f\":9}",
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_places),
		cmocka_unit_test(test_ints),
		cmocka_unit_test(test_ids_and_times),
		cmocka_unit_test(test_commas),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
