/* Answers of other programs as they come off a connection: whole, cut, and nonsense. */
#include "ops/parley/wire.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Without a NUL behind it, so that a sanitizer sees a step too far. */
static struct buf exact(const char *text, size_t len)
{
	struct buf buf = { 0 };
	buf.data = malloc(len ? len : 1);
	assert_non_null(buf.data);
	memcpy(buf.data, text, len);
	buf.len = buf.cap = len;
	return buf;
}

static void answers_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool cgi, good, whole;
		int status;
		const char *body;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\nab", false, true, true,
			200, "ab" },
		{ "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\na", false, true, false, 200, "a" },
		{ "HTTP/1.1 200 OK\r\n\r\nab", false, true, false, 200, "ab" },
		{ "HTTP/1.0 404\r\n\r\n", false, true, false, 404, "" },
		{ "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81", false, true, true,
			101, "\x81" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, true, false, 200, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", false, true, false, 200,
			"" },
		{ "HTTP/1.1 200 OK\r\nDate: x\r\n", false, false, false, 0, NULL },
		{ "HTTP/1.1 20\r\n\r\n", false, false, false, 0, NULL },
		{ "HTTP/1.1 99x\r\n\r\n", false, false, false, 0, NULL },
		{ "HTTP/1.1\r\n\r\n", false, false, false, 0, NULL },
		{ "\r\n\r\n", false, false, false, 0, NULL },
		{ "\x20\x02\x00\x05", false, false, false, 0, NULL },
		{ "", false, false, false, 0, NULL },
		{ "Status: 401 Unauthorized\r\nX: y\r\n\r\n{}", true, true, false, 401, "{}" },
		{ "X: y\r\nstatus:503\r\n\r\n", true, true, false, 503, "" },
		{ "X: y\r\n\r\nbody", true, true, false, 200, "body" },
		{ "Status:\r\n\r\n", true, false, false, 0, NULL },
		{ "Status: x\r\n\r\n", true, false, false, 0, NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf in = exact(rows[i].text, strlen(rows[i].text));
		struct wire_answer answer;
		bool good = answer_split((struct str){ in.data, in.len }, rows[i].cgi, &answer);
		if (good != rows[i].good)
			fail_msg("row %zu is %s", i, good ? "good" : "bad");
		if (good && (answer.status != rows[i].status ||
				    !str_equal(answer.body, str_of(rows[i].body))))
			fail_msg("row %zu: %d, %.*s", i, answer.status, (int)answer.body.len,
				answer.body.ptr);
		if (!rows[i].cgi && http_whole(&in) != rows[i].whole)
			fail_msg("row %zu is %swhole", i, rows[i].whole ? "not " : "");
		buf_free(&in);
	}
}

static void fields_are_found(void **state)
{
	(void)state;
	static const char head[] = "Date:  now \r\nEmpty:\r\nno colon\r\nDate: later\r\nLast: one";
	struct buf in = exact(head, sizeof(head) - 1);
	struct wire_answer answer = { .head = { in.data, in.len } };
	assert_true(str_equal(wire_header(&answer, "date"), STR("now")));
	assert_true(str_equal(wire_header(&answer, "empty"), STR("")));
	assert_true(str_equal(wire_header(&answer, "LAST"), STR("one")));
	assert_null(wire_header(&answer, "no colon").ptr);
	assert_null(wire_header(&answer, "dat").ptr);
	buf_free(&in);
}

/* Two records of output and the end, cut at every byte. */
static void records_are_read(void **state)
{
	(void)state;
	static const char text[] = "\1\6\0\1\0\3\1\0abc\0"
				   "\1\7\0\1\0\2\0\0xx"
				   "\1\6\0\1\0\2\0\0de"
				   "\1\6\0\1\0\0\0\0"
				   "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0";
	for (size_t len = 0; len < sizeof(text); len++) {
		struct buf in = exact(text, len), out = { 0 };
		bool ended;
		assert_true(records_read(&in, &out, &ended));
		assert_int_equal(ended, len >= 40);
		assert_int_equal(out.len, len < 12 ? 0 : len < 32 ? 3 : 5);
		assert_memory_equal(out.data ? out.data : "", "abcde", out.len);
		buf_free(&in);
		buf_free(&out);
	}
	struct buf in = exact("HTTP/1.1 400 Bad", 16), out = { 0 };
	bool ended;
	assert_false(records_read(&in, &out, &ended));
	buf_free(&in);
	buf_free(&out);
}

/* Sizes on both sides of where their encoding grows. */
static void what_is_sent_has_its_lengths(void **state)
{
	(void)state;
	static const struct {
		size_t len;
		unsigned char bytes[4];
		size_t nbytes;
	} rows[] = {
		{ 0, { 0 }, 1 },
		{ 127, { 127 }, 1 },
		{ 128, { 0x80, 0, 0, 128 }, 4 },
		{ 4000, { 0x80, 0, 0x0f, 0xa0 }, 4 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = { 0 };
		length_add(&out, rows[i].len);
		assert_int_equal(out.len, rows[i].nbytes);
		assert_memory_equal(out.data, rows[i].bytes, rows[i].nbytes);
		buf_free(&out);
	}

	char password[301];
	memset(password, 'p', 300);
	password[300] = '\0';
	struct wire_login login = { "user/device", "user", password };
	struct buf packet = { 0 };
	connect_write(&packet, &login);
	/* 10 of the head of CONNECT, then three texts */
	assert_int_equal(packet.len, 3 + 10 + 2 + 11 + 2 + 4 + 2 + 300);
	assert_int_equal((unsigned char)packet.data[1], 0x80 | (331 & 0x7f));
	assert_int_equal(packet.data[2], 331 >> 7);
	assert_int_equal((unsigned char)packet.data[10], 0xc2);
	buf_free(&packet);
}

/* Nobody listens, and nobody has the path: each is told apart. */
static void places_that_are_not_there(void **state)
{
	(void)state;
	char why[WIRE_WHY_BYTES] = "";
	struct arena *arena = arena_new();
	struct wire_answer answer;
	int64_t soon_us = time_mono_us() + 1000000;
	const struct wire_place none = { .path = "/nowhere/at.sock" };
	assert_int_equal(
		wire_fastcgi(arena, &none, "/", NULL, soon_us, &answer, why), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "No such file"));
	char path[200];
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	const struct wire_place far = { .path = path };
	assert_int_equal(
		wire_fastcgi(arena, &far, "/", NULL, soon_us, &answer, why), ERR_UNAVAILABLE);
	const struct wire_place closed = { .host = "127.0.0.1", .port = 1 };
	assert_int_equal(
		wire_http(arena, &closed, "/", "", soon_us, &answer, why), ERR_UNAVAILABLE);
	assert_non_null(strstr(why, "refused"));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_split),
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(what_is_sent_has_its_lengths),
		cmocka_unit_test(places_that_are_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
