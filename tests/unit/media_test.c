/* What parley-media answers: all of it, or nothing, whoever may have taken it over. */
#include "rest/media.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define ANSWER(type, picture, width, height, bytes)                                                \
	"{\"media_type\":" type ",\"picture\":" picture ",\"width\":" width ",\"height\":" height  \
	",\"thumbnail_bytes\":" bytes "}\n"

static struct arena *arena;

static void a_whole_answer_is_taken(void **state)
{
	struct media media;

	(void)state;
	assert_true(answer_parse(
		arena, STR(ANSWER("\"image/png\"", "\"good\"", "640", "480", "99")), &media));
	assert_true(str_equal(media.media_type, STR("image/png")));
	assert_int_equal(media.picture, PICTURE_ANSWER_GOOD);
	assert_int_equal(media.width, 640);
	assert_int_equal(media.height, 480);
	assert_int_equal(media.thumbnail_bytes, 99);
}

/* Of what is no good picture nothing is kept. */
static void only_a_good_picture_has_a_size(void **state)
{
	static const char *const pictures[] = { "none", "broken", "huge" };

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		const char *text = arena_printf(arena,
			"{\"media_type\":\"image/png\",\"picture\":\"%s\",\"width\":9,\"height\":9,"
			"\"thumbnail_bytes\":9}\n",
			pictures[i]);
		struct media media;

		assert_true(answer_parse(arena, str_of(text), &media));
		assert_int_equal(media.width + media.height + media.thumbnail_bytes, 0);
	}
}

static void any_other_is_none(void **state)
{
	static const char *const rows[] = {
		"",
		"\n",
		"{}\n",
		"[]\n",
		"{\"media_type\":\"image/png\"}\n",
		"{\"media_type\":\"image/png\",\"picture\":\"none\",\"width\":0,\"height\":0,"
		"\"thumbnail_bytes\":0}",
		ANSWER("\"image/png\"", "\"good\"", "640", "480", "99") "x",
		ANSWER("\"\"", "\"none\"", "0", "0", "0"),
		ANSWER("\"ab\"", "\"none\"", "0", "0", "0"),
		ANSWER("1", "\"none\"", "0", "0", "0"),
		/* it becomes a header when the file is downloaded */
		ANSWER("\"text/plain\\r\\nX: y\"", "\"none\"", "0", "0", "0"),
		ANSWER("\"text/html; charset=utf-8\"", "\"none\"", "0", "0", "0"),
		ANSWER("\"image/png\"", "\"good\"", "0", "1", "1"),
		ANSWER("\"image/png\"", "\"fine\"", "0", "0", "0"),
		ANSWER("\"image/png\"", "null", "0", "0", "0"),
		ANSWER("\"image/png\"", "\"good\"", "-1", "0", "0"),
		ANSWER("\"image/png\"", "\"good\"", "1", "2147483648", "0"),
		ANSWER("\"image/png\"", "\"good\"", "1", "1", "1.5"),
		ANSWER("\"image/png\"", "\"good\"", "[1]", "1", "1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct media media = { .width = -7 };

		if (answer_parse(arena, str_of(rows[i]), &media) || media.width != -7)
			fail_msg("row %zu: %s", i, rows[i]);
	}
}

/* Who decodes a file cannot change what is stored under its hash. */
static void the_file_is_given_for_reading_alone(void **state)
{
	char name[] = "/tmp/parley-media-test-XXXXXX", byte = 0;
	int file = mkstemp(name), fd;

	(void)state;
	assert_true(file >= 0 && unlink(name) == 0);
	assert_int_equal(write(file, "x", 1), 1);
	fd = reading(file);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(write(fd, "y", 1), -1);
	close(fd);
	close(file);
	assert_int_equal(reading(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_answer_is_taken),
		cmocka_unit_test(only_a_good_picture_has_a_size),
		cmocka_unit_test(any_other_is_none),
		cmocka_unit_test(the_file_is_given_for_reading_alone),
	};
	int failed;

	arena = arena_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
