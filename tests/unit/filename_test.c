/* Names of files, in every spelling in which clients send one. */
#include "lib/filename.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/buf.h"

static struct arena *arena;

static void parameters_are_found(void **state)
{
	static const struct {
		const char *header, *name, *value;
		enum err err;
	} rows[] = {
		{ "form-data; name=file", "name", "file", OK },
		{ "form-data; name=\"file\"", "name", "file", OK },
		{ "form-data;name=file;filename=a", "name", "file", OK },
		{ "form-data ; NAME = file ", "name", "file", OK },
		{ "form-data;; name=file;", "name", "file", OK },
		{ "a; x=\"; name=b\"; name=c", "name", "c", OK },
		{ "a; name=\"\"", "name", "", OK },
		{ "a; name=", "name", "", OK },
		{ "a; name=b c ; x=y", "name", "b c", OK },
		{ "a; name=\"q\\\"\\\\ \\x\"", "name", "q\"\\ \\x", OK },
		{ "a; filename=b", "name", NULL, ERR_NOT_FOUND },
		{ "name=b", "name", NULL, ERR_NOT_FOUND },
		{ "", "name", NULL, ERR_NOT_FOUND },
		{ "a;", "name", NULL, ERR_NOT_FOUND },
		{ "a; name=b; name=b", "name", NULL, ERR_MALFORMED },
		{ "a; name", "name", NULL, ERR_MALFORMED },
		{ "a; =b", "name", NULL, ERR_MALFORMED },
		{ "a; name=\"b", "name", NULL, ERR_MALFORMED },
		{ "a; name=\"b\\\"", "name", NULL, ERR_MALFORMED },
		{ "a; name=\"b\"c", "name", NULL, ERR_MALFORMED },
		{ "a; na me=b", "name", NULL, ERR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str value = { NULL, 0 };
		enum err err =
			header_parameter(arena, str_of(rows[i].header), rows[i].name, &value);

		if (err != rows[i].err || !str_equal(value, str_of(rows[i].value)))
			fail_msg("%s: %d, %.*s", rows[i].header, err, (int)value.len,
				value.ptr ? value.ptr : "");
	}
}

static void names_are_cleaned(void **state)
{
	static const struct {
		const char *parameters;
		bool form;
		const char *name;
		enum err err;
	} rows[] = {
		{ "filename=a.txt", false, "a.txt", OK },
		{ "filename=a b.txt", false, "a b.txt", OK },
		{ "filename=\" a.txt \"", false, "a.txt", OK },
		{ "filename=a; filename*=UTF-8''b", false, "b", OK },
		{ "filename*=UTF-8''b; filename=a", false, "b", OK },
		{ "filename*=UTF-8'en'%e2%82%ac", false, "\u20ac", OK },
		{ "filename*=\"UTF-8''%41\"", false, "A", OK },
		{ "filename=\"%41\"", false, "%41", OK },
		{ "filename=\"a%22b%0d%0a%41\"", true, "a\"b%41", OK },
		{ "filename=\"a%22b\"", false, "a%22b", OK },
		{ "filename=\"/etc/passwd\"", false, "passwd", OK },
		{ "filename=\"C:\\dir\\a\"", false, "a", OK },
		{ "filename=\"C:\\\\dir\\\\a\"", false, "a", OK },
		{ "filename*=UTF-8''a%2fb%5cc", false, "c", OK },
		{ "filename*=UTF-8''%00", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=UTF-8''a%01%7f%c2%85b", false, "ab", OK },
		{ "filename*=UTF-8''%e2%80%ae%e2%81%a6x", false, "x", OK },
		{ "filename=.profile", false, ".profile", OK },
		{ "filename=...", false, NULL, ERR_NOT_FOUND },
		{ "filename=.", false, NULL, ERR_NOT_FOUND },
		{ "filename=\"\"", false, NULL, ERR_NOT_FOUND },
		{ "filename*=UTF-8''%c2%a0%e2%80%8b", false, NULL, ERR_NOT_FOUND },
		{ "filename=\"a/\"", false, NULL, ERR_NOT_FOUND },
		{ "x=y", false, NULL, ERR_NOT_FOUND },
		{ "filename=\"\xff\"", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=UTF-8''%ff", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=ISO-8859-1''%e4", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=UTF-8'a", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=a", false, NULL, ERR_INVALID_INPUT },
		{ "filename*=UTF-8''%4", false, NULL, ERR_MALFORMED },
		{ "filename*=UTF-8''%", false, NULL, ERR_MALFORMED },
		{ "filename*=UTF-8''%zz", false, NULL, ERR_MALFORMED },
		{ "filename=\"a", false, NULL, ERR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char header[256];
		struct str name = { NULL, 0 };
		enum err err;

		snprintf(header, sizeof(header), "attachment; %s", rows[i].parameters);
		err = filename_of(arena, str_of(header), rows[i].form, &name);
		if (err != rows[i].err || !str_equal(name, str_of(rows[i].name)))
			fail_msg("%s: %d, %.*s", header, err, (int)name.len,
				name.ptr ? name.ptr : "");
	}
}

/* As long as it may be: whole code points, and the ending. */
static void long_names_are_cut(void **state)
{
	static const struct {
		const char *piece;
		int count;
		const char *ending;
		int kept; /* pieces */
	} rows[] = {
		{ "x", 255, "", 255 },
		{ "x", 256, "", 255 },
		{ "x", 251, ".txt", 251 },
		{ "x", 252, ".txt", 251 },
		{ "\u20ac", 300, ".jpeg", 83 },
		{ "\U0001f600", 300, ".x", 63 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf header = { 0 }, wanted = { 0 };
		struct str name;

		buf_add_string(&header, "a; filename=\"");
		for (int j = 0; j < rows[i].count; j++)
			buf_add_string(&header, rows[i].piece);
		buf_printf(&header, "%s\"", rows[i].ending);
		for (int j = 0; j < rows[i].kept; j++)
			buf_add_string(&wanted, rows[i].piece);
		buf_add_string(&wanted, rows[i].ending);
		assert_int_equal(
			filename_of(arena, (struct str){ header.data, header.len }, false, &name),
			OK);
		if (!str_equal(name, (struct str){ wanted.data, wanted.len }) ||
			name.len > FILENAME_MAX_BYTES)
			fail_msg("row %zu: %.*s", i, (int)name.len, name.ptr);
		buf_free(&header);
		buf_free(&wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(names_are_cleaned),
		cmocka_unit_test(long_names_are_cut),
	};
	int failed;

	arena = arena_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
