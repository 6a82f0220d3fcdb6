/* Forms, cut into pieces of every size: what is found never depends on how they come. */
#include "lib/multipart.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/buf.h"

static struct arena *arena;

/* What the sink was told, as "[head|content]". */
static struct buf told;
static enum err told_err;

static enum err on_head(void *context, struct str head)
{
	struct str name = multipart_header(head, "content-disposition");

	(void)context;
	buf_add_char(&told, '[');
	buf_add(&told, name.ptr, name.len);
	buf_add_char(&told, '|');
	return told_err;
}

static enum err on_content(void *context, struct str piece)
{
	(void)context;
	assert_true(piece.len > 0);
	buf_add(&told, piece.ptr, piece.len);
	return OK;
}

static enum err on_end(void *context)
{
	(void)context;
	buf_add_char(&told, ']');
	return OK;
}

static const struct multipart_sink sink = { NULL, on_head, on_content, on_end };

static enum err parse(struct str text, size_t piece_bytes)
{
	struct multipart parts;
	enum err err =
		multipart_begin(arena, STR("multipart/form-data; boundary=xx"), &sink, &parts);

	assert_int_equal(err, OK);
	told.len = 0;
	while (text.len > 0 && err == OK) {
		struct str piece = { text.ptr, text.len < piece_bytes ? text.len : piece_bytes };

		err = multipart_feed(&parts, piece);
		text.ptr += piece.len;
		text.len -= piece.len;
	}
	return err == OK ? multipart_finish(&parts) : err;
}

#define A "--xx\r\nContent-Disposition: a\r\n\r\n"
#define END "\r\n--xx--"

static void forms_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *told;
		enum err err;
	} rows[] = {
		{ A "one" END, "[a|one]", OK },
		{ A "one" END "\r\n", "[a|one]", OK },
		{ A "one" END " \r\nepilogue\r\n--xx\r\n", "[a|one]", OK },
		{ "preamble\r\n" A "one" END, "[a|one]", OK },
		{ "pre--xx\r\n" A "one" END, "[a|one]", OK },
		{ "\r\n" A "one" END, "[a|one]", OK },
		{ A "one\r\n--xx\r\nContent-Disposition: b\r\nX: y\r\n\r\ntwo" END,
			"[a|one][b|two]", OK },
		{ A "one\r\n--xx \t\r\n\r\ntwo" END, "[a|one][|two]", OK },
		{ A "" END, "[a|]", OK },
		{ A "\r\n" END, "[a|\r\n]", OK },
		{ A "\r\n\r\n-\r\n--\r\n--x\r\n--xy" END, "[a|\r\n\r\n-\r\n--\r\n--x\r\n--xy]",
			OK },
		{ A "\r\r\n--xx--", "[a|\r]", OK },
		{ A "\r\n-\r\n--xx--", "[a|\r\n-]", OK },
		{ A "--xx" END, "[a|--xx]", OK },
		{ "--xx--", "", OK },
		{ "", "", ERR_MALFORMED },
		{ "text", "", ERR_MALFORMED },
		{ "--xx", "", ERR_MALFORMED },
		{ "--xx\r\n", "", ERR_MALFORMED },
		{ "--xx-", "", ERR_MALFORMED },
		{ "--xx-x", "", ERR_MALFORMED },
		{ "--xxx", "", ERR_MALFORMED },
		{ "--xx\n", "", ERR_MALFORMED },
		{ "--xx\rX", "", ERR_MALFORMED },
		{ A "one", "[a|one", ERR_MALFORMED },
		{ A "one\r\n", "[a|one", ERR_MALFORMED },
		{ A "one\r\n--xx", "[a|one]", ERR_MALFORMED },
		{ A "one\n--xx--", "[a|one\n--xx--", ERR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t bytes = 1; bytes < 100; bytes++) {
			enum err err = parse(str_of(rows[i].text), bytes);

			if (err != rows[i].err || !str_equal((struct str){ told.data, told.len },
							  str_of(rows[i].told)))
				fail_msg("row %zu by %zu: %d, %.*s", i, bytes, err, (int)told.len,
					told.data ? told.data : "");
		}
	}
}

static void a_head_is_of_so_many_bytes(void **state)
{
	struct buf text = { 0 };
	struct str line = STR("--xx\r\nX: ");

	(void)state;
	/* CRLF of the boundary, the line, and CRLF twice are the head */
	for (size_t more = 0; more < 2; more++) {
		text.len = 0;
		buf_add(&text, line.ptr, line.len);
		for (size_t i = 0; i < MULTIPART_HEAD_MAX - 9 + more; i++)
			buf_add_char(&text, 'x');
		buf_add_string(&text, "\r\n\r\none" END);
		assert_int_equal(parse((struct str){ text.data, text.len }, 1000),
			more ? ERR_MALFORMED : OK);
	}
	buf_free(&text);
}

static void what_the_sink_says_ends_it(void **state)
{
	(void)state;
	told_err = ERR_TOO_LARGE;
	assert_int_equal(parse(STR(A "one" END), 7), ERR_TOO_LARGE);
	told_err = OK;
}

static void boundaries(void **state)
{
	static const struct {
		const char *type;
		bool good;
	} rows[] = {
		{ "multipart/form-data; boundary=a", true },
		{ "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", true },
		{ "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", true },
		{ "multipart/form-data; "
		  "boundary="
		  "1234567890123456789012345678901234567890123456789012345678901234567890",
			true },
		{ "multipart/form-data; "
		  "boundary="
		  "12345678901234567890123456789012345678901234567890123456789012345678901",
			false },
		{ "multipart/form-data", false },
		{ "multipart/form-data; boundary=", false },
		{ "multipart/form-data; boundary=\"a \"", false },
		{ "multipart/form-data; boundary=\"a\r\"", false },
		{ "multipart/form-data; boundary=a; boundary=b", false },
		{ "multipart/form-data; boundary=\"a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct multipart parts;

		assert_true(multipart_is(str_of(rows[i].type)));
		if ((multipart_begin(arena, str_of(rows[i].type), &sink, &parts) == OK) !=
			rows[i].good)
			fail_msg("%s", rows[i].type);
	}
	assert_false(multipart_is(STR("multipart/mixed; boundary=a")));
	assert_false(multipart_is((struct str){ NULL, 0 }));
}

static void headers_are_found(void **state)
{
	static const struct {
		const char *head, *value;
	} rows[] = {
		{ "A: b\r\n", "b" },
		{ "X: y\r\na:b\r\n", "b" },
		{ "A: \r\n", "" },
		{ "Ab: c\r\n", NULL },
		{ "X: A: b\r\n", NULL },
		{ "A\r\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str value = multipart_header(str_of(rows[i].head), "A");

		if (!str_equal(value, str_of(rows[i].value)) || !value.ptr != !rows[i].value)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_taken_apart),
		cmocka_unit_test(a_head_is_of_so_many_bytes),
		cmocka_unit_test(what_the_sink_says_ends_it),
		cmocka_unit_test(boundaries),
		cmocka_unit_test(headers_are_found),
	};
	int failed;

	arena = arena_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	buf_free(&told);
	return failed;
}
