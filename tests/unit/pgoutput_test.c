/* Frames of the replication stream, whole, cut short and too long. */
#include "push/pgoutput.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
#define U64(last) "\0\0\0\0\0\0\0" last
/* begins at 1, the server is at 2, its clock says 3 */
#define DATA "w" U64("\x01") U64("\x02") U64("\x03")

struct row {
	const char *name;
	struct str bytes;
	enum err err;
	struct frame frame;
};

static const struct row rows[] = {
	{ "keepalive", BYTES("k" U64("\x07") U64("\x03") "\0"), OK,
		{ .kind = FRAME_KEEPALIVE, .wal_end = 7 } },
	{ "keepalive that asks", BYTES("k" U64("\x07") U64("\x03") "\x01"), OK,
		{ .kind = FRAME_KEEPALIVE, .wal_end = 7, .reply_asked = true } },
	{ "begin", BYTES(DATA "B" U64("\x09") U64("\x05") "\0\0\0\x01"), OK,
		{ .kind = FRAME_BEGIN, .wal_end = 2, .lsn = 9, .commit_us = 946684800000005 } },
	{ "before 2000",
		BYTES(DATA "B" U64("\x09") "\xff\xff\xff\xff\xff\xff\xff\xff"
					   "\0\0\0\x01"),
		OK, { .kind = FRAME_BEGIN, .wal_end = 2, .lsn = 9, .commit_us = 946684799999999 } },
	{ "commit",
		BYTES(DATA "C"
			   "\0" U64("\x08") U64("\x09") U64("\x05")),
		OK,
		{ .kind = FRAME_COMMIT, .wal_end = 2, .lsn = 9, .commit_us = 946684800000005 } },
	{ "message",
		BYTES(DATA "M"
			   "\x01" U64("\x06") "parley\0"
					      "\0\0\0\x02"
					      "{}"),
		OK,
		{ .kind = FRAME_MESSAGE,
			.wal_end = 2,
			.lsn = 6,
			.transactional = true,
			.prefix = BYTES("parley"),
			.content = BYTES("{}") } },
	{ "message of no transaction",
		BYTES(DATA "M"
			   "\0" U64("\x06") "\0"
					    "\0\0\0\0"),
		OK, { .kind = FRAME_MESSAGE, .wal_end = 2, .lsn = 6 } },
	{ "relation, not looked into",
		BYTES(DATA "R"
			   "whatever"),
		OK, { .kind = FRAME_OTHER, .wal_end = 2 } },
	{ "empty", BYTES(""), ERR_MALFORMED, { 0 } },
	{ "of no kind", BYTES("z" U64("\x07") U64("\x03") "\0"), ERR_MALFORMED, { 0 } },
	{ "data without a message", BYTES(DATA), ERR_MALFORMED, { 0 } },
	{ "prefix without an end",
		BYTES(DATA "M"
			   "\x01" U64("\x06") "parley"),
		ERR_MALFORMED, { 0 } },
	{ "content longer than the frame",
		BYTES(DATA "M"
			   "\x01" U64("\x06") "parley\0"
					      "\0\0\0\x03"
					      "{}"),
		ERR_MALFORMED, { 0 } },
	{ "content much longer",
		BYTES(DATA "M"
			   "\x01" U64("\x06") "parley\0"
					      "\xff\xff\xff\xff"
					      "{}"),
		ERR_MALFORMED, { 0 } },
	{ "a time out of range",
		BYTES(DATA "B" U64("\x09") "\x7f\xff\xff\xff\xff\xff\xff\xff"
					   "\0\0\0\x01"),
		ERR_MALFORMED, { 0 } },
};

static bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->kind == b->kind && a->wal_end == b->wal_end && a->reply_asked == b->reply_asked &&
	       a->lsn == b->lsn && a->commit_us == b->commit_us &&
	       a->transactional == b->transactional && str_equal(a->prefix, b->prefix) &&
	       str_equal(a->content, b->content);
}

/* From memory of exactly that size, so that the sanitizer sees a byte too many. */
static enum err read_exactly(struct str bytes, struct frame *out)
{
	static char *memory;
	free(memory);
	memory = malloc(bytes.len + (bytes.len == 0));
	assert_non_null(memory);
	memcpy(memory, bytes.ptr, bytes.len);
	return frame_read((struct str){ memory, bytes.len }, out);
}

static void frames_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame frame = { .lsn = 4711 };
		enum err err = read_exactly(rows[i].bytes, &frame);
		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].name, err);
		if (err == OK && !frame_equal(&frame, &rows[i].frame))
			fail_msg("%s: read wrongly", rows[i].name);
		if (err != OK && frame.lsn != 4711)
			fail_msg("%s: the result was touched", rows[i].name);
	}
}

static void frames_of_another_length_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char longer[128];
		struct frame frame;
		if (rows[i].err != OK || rows[i].frame.kind == FRAME_OTHER)
			continue;
		for (size_t len = 0; len < rows[i].bytes.len; len++) {
			if (read_exactly((struct str){ rows[i].bytes.ptr, len }, &frame) == OK)
				fail_msg("%s: %zu bytes of it were read", rows[i].name, len);
		}
		memcpy(longer, rows[i].bytes.ptr, rows[i].bytes.len);
		longer[rows[i].bytes.len] = '\0';
		if (read_exactly((struct str){ longer, rows[i].bytes.len + 1 }, &frame) == OK)
			fail_msg("%s: it was read with a byte more", rows[i].name);
	}
}

static void a_status_is_written_as_the_protocol_has_it(void **state)
{
	(void)state;
	static const char expected[] = "r" U64("\x0b") U64("\x0a") U64("\x0a") U64("\x05") "\x01";
	char out[FRAME_STATUS_BYTES];
	_Static_assert(
		sizeof(expected) - 1 == FRAME_STATUS_BYTES, "one letter, four numbers, one flag");
	frame_write_status(11, 10, 946684800000005, true, out);
	assert_memory_equal(out, expected, sizeof(out));
	frame_write_status(11, 10, 946684800000005, false, out);
	assert_int_equal(out[FRAME_STATUS_BYTES - 1], 0);
}

static void positions_are_written_as_postgresql_does(void **state)
{
	(void)state;
	static const struct {
		lsn_t lsn;
		const char *text;
	} cases[] = {
		{ 0, "0/0" },
		{ 0x1944d08, "0/1944D08" },
		{ 0x16000000ff, "16/FF" },
		{ UINT64_MAX, "FFFFFFFF/FFFFFFFF" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[LSN_TEXT_BYTES];
		lsn_format(cases[i].lsn, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_read),
		cmocka_unit_test(frames_of_another_length_are_refused),
		cmocka_unit_test(a_status_is_written_as_the_protocol_has_it),
		cmocka_unit_test(positions_are_written_as_postgresql_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
