/* What comes of a program that answers, or does not. */
#include "rest/child.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* From beside this program to the root, however deep it is. */
#define ROOT "../../../../../../../../../../../../"

static const struct {
	const char *what, *script;
	enum err err;
	const char *answer;
} rows[] = {
	{ "an answer", "echo yes", OK, "yes\n" },
	{ "an answer, and no success", "echo 403; exit 1", OK, "403\n" },
	{ "no answer", "exit 0", OK, "" },
	{ "ended by what it was given", "kill -9 $$", OK, "" },
	{ "does not work", "exit 3", ERR_UNAVAILABLE, "" },
	{ "misses a library", "exit 127", ERR_UNAVAILABLE, "" },
	{ "hangs", "exec sleep 60", OK, "" },
};

static enum err ask(const char *name, const char *script, char *answer, size_t size, size_t *len)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct child_call call = {
		.name = name,
		.args = { "-c", script },
		.nargs = 2,
		.in = in,
		.patience_us = 2000000,
	};
	enum err err = child_ask(&call, answer, size, len);

	close(in);
	return err;
}

static void what_a_program_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char answer[16] = "";
		size_t len = 0;

		if (ask(ROOT "bin/sh", rows[i].script, answer, sizeof(answer), &len) !=
				rows[i].err ||
			len != strlen(rows[i].answer) || memcmp(answer, rows[i].answer, len) != 0)
			fail_msg("%s: %.*s", rows[i].what, (int)len, answer);
	}
}

static void one_that_is_not_there(void **state)
{
	char answer[16];
	size_t len;

	(void)state;
	assert_int_equal(ask("no-such-program", "", answer, sizeof(answer), &len), ERR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_program_answers),
		cmocka_unit_test(one_that_is_not_there),
	};
	log_open("child_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
