/* The buffer: what is appended is there, whatever the sizes; a reset gives memory back. */
#include "lib/buf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_content(const struct buf *buf, const char *expected)
{
	assert_int_equal(buf->len, strlen(expected));
	assert_memory_equal(buf->data, expected, buf->len);
}

static void pieces_are_joined(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	buf_add(&buf, NULL, 0);
	assert_null(buf.data);
	buf_add_string(&buf, "one");
	buf_add_char(&buf, ' ');
	buf_add(&buf, "two!", 3);
	buf_printf(&buf, " %d%s", 3, "");
	buf_add_string(&buf, "");
	assert_content(&buf, "one two 3");
	buf_free(&buf);
	assert_null(buf.data);
	buf_add_string(&buf, "again");
	assert_content(&buf, "again");
	buf_free(&buf);
}

static void growth_keeps_the_content(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	for (int i = 0; i < 100000; i++)
		buf_add_char(&buf, (char)(i % 251));
	assert_int_equal(buf.len, 100000);
	assert_true(buf.cap >= buf.len);
	for (int i = 0; i < 100000; i++)
		if (buf.data[i] != (char)(i % 251))
			fail_msg("byte %d", i);
	buf_free(&buf);
}

/* Every length around the edges of the first block, so that the NUL of vsnprintf has to find room.
 */
static void formatted_text_fits_at_every_length(void **state)
{
	(void)state;
	for (int before = 0; before <= 300; before += 3) {
		for (int len = 0; len <= 300; len += 1) {
			struct buf buf = { 0 };
			for (int i = 0; i < before; i++)
				buf_add_char(&buf, 'b');
			buf_printf(&buf, "%.*s%*s", 0, "", len, "");
			if (buf.len != (size_t)(before + len))
				fail_msg("%d + %d bytes gave %zu", before, len, buf.len);
			for (int i = 0; i < before + len; i++)
				if (buf.data[i] != (i < before ? 'b' : ' '))
					fail_msg("%d + %d bytes: byte %d", before, len, i);
			buf_free(&buf);
		}
	}
}

static void reset_gives_back_what_is_above_keep(void **state)
{
	(void)state;
	static const struct {
		size_t fill, keep, cap_max;
	} rows[] = {
		{ 100000, 4096, 4096 },
		{ 100000, 0, 0 },
		{ 100, 4096, 256 },
		{ 0, 0, 0 },
		{ 0, 10, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf = { 0 };
		for (size_t at = 0; at < rows[i].fill; at++)
			buf_add_char(&buf, 'x');
		buf_reset(&buf, rows[i].keep);
		if (buf.len != 0 || buf.cap > rows[i].cap_max ||
			(buf.cap == 0) != (buf.data == NULL))
			fail_msg("row %zu: len %zu cap %zu", i, buf.len, buf.cap);
		for (size_t at = 0; at < 5000; at++)
			buf_add_char(&buf, 'y');
		if (buf.len != 5000 || buf.data[0] != 'y' || buf.data[4999] != 'y')
			fail_msg("row %zu: not usable after the reset", i);
		buf_free(&buf);
	}
}

static void a_small_buffer_is_reused_as_it_is(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	buf_add_string(&buf, "abc");
	char *data = buf.data;
	buf_reset(&buf, 4096);
	buf_add_string(&buf, "def");
	assert_ptr_equal(buf.data, data);
	assert_content(&buf, "def");
	buf_free(&buf);
}

static void an_impossible_size_ends_the_process(void **state)
{
	(void)state;
	static const size_t extras[] = { SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX - 3 };
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(STDERR_FILENO);
			struct buf buf = { 0 };
			buf_add_string(&buf, "four");
			buf_reserve(&buf, extras[i]);
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			fail_msg("row %zu: status %d", i, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_joined),
		cmocka_unit_test(growth_keeps_the_content),
		cmocka_unit_test(formatted_text_fits_at_every_length),
		cmocka_unit_test(reset_gives_back_what_is_above_keep),
		cmocka_unit_test(a_small_buffer_is_reused_as_it_is),
		cmocka_unit_test(an_impossible_size_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
