/* The log: always one line, always JSON, whatever is put into it. */
#include "lib/log.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/json_scan.h"

static char seen[LINE_BYTES + 16];
static int nseen;
static enum log_level seen_level;

static void keep_line(enum log_level level, const char *line)
{
	assert_true(strlen(line) < LINE_BYTES);
	strcpy(seen, line);
	seen_level = level;
	nseen++;
}

static int set_up(void **unused)
{
	(void)unused;
	log_open("log_test", LOG_LEVEL_INFO);
	log_sink(keep_line);
	log_set_request_id(NULL);
	seen[0] = '\0';
	nseen = 0;
	return 0;
}

static void assert_json(void)
{
	char why[JSON_WHY_BYTES];
	if (json_scan(str_of(seen), JSON_DEPTH_MAX, why) != OK)
		fail_msg("%s: %s", why, seen);
}

/* The value of a key as it stands in the line. */
static void assert_field(const char *key, const char *expected)
{
	struct str raw;
	assert_json();
	if (!json_raw(str_of(seen), key, &raw) || !str_equal(raw, str_of(expected)))
		fail_msg("%s is not %s in %s", key, expected, seen);
}

static void a_line_has_its_fields(void **unused)
{
	(void)unused;
	char pid[32];
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	log_set_request_id("r-1");
	log_warn("database is away", LOG_STR("reason", "gone"), LOG_INT("retry_ms", -250));
	assert_int_equal(nseen, 1);
	assert_int_equal(seen_level, LOG_LEVEL_WARN);
	assert_field("level", "\"warn\"");
	assert_field("program", "\"log_test\"");
	assert_field("pid", pid);
	assert_field("request_id", "\"r-1\"");
	assert_field("message", "\"database is away\"");
	assert_field("reason", "\"gone\"");
	assert_field("retry_ms", "-250");
	struct str time;
	int64_t time_us;
	assert_true(json_raw(str_of(seen), "time", &time));
	assert_int_equal(time_parse((struct str){ time.ptr + 1, time.len - 2 }, &time_us), OK);
	assert_true(time_now_us() - time_us < 60 * INT64_C(1000000));
}

static void levels_below_are_dropped(void **unused)
{
	(void)unused;
	log_debug("no");
	assert_int_equal(nseen, 0);
	log_info("yes");
	assert_field("level", "\"info\"");
	log_open("log_test", LOG_LEVEL_ERROR);
	log_warn("no");
	assert_int_equal(nseen, 1);
	log_error("yes");
	assert_field("level", "\"error\"");
	log_open("log_test", LOG_LEVEL_DEBUG);
	log_debug("yes");
	assert_field("level", "\"debug\"");
	assert_int_equal(nseen, 3);
}

static void numbers_are_written_to_their_ends(void **unused)
{
	(void)unused;
	log_info("n", LOG_INT("min", INT64_MIN), LOG_INT("max", INT64_MAX), LOG_INT("zero", 0));
	assert_field("min", "-9223372036854775808");
	assert_field("max", "9223372036854775807");
	assert_field("zero", "0");
}

static void what_could_deceive_is_escaped(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "", "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "line\n{\"level\":\"error\"}", "\"line\\u000a{\\\"level\\\":\\\"error\\\"}\"" },
		{ "\r\t\b\x1b[31m", "\"\\u000d\\u0009\\u0008\\u001b[31m\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc2\x85\xc2\x9b", "\"\\u0085\\u009b\"" },
		{ "a\xe2\x80\xae", "\"a\\u202e\"" },
		{ "Zo\xc3\xab \xf0\x9f\x98\x80", "\"Zo\xc3\xab \xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "a\xc3", "\"a\\ufffd\"" },
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xc0\x80x", "\"\\ufffd\\ufffdx\"" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		log_info("row", LOG_STR("value", rows[i].text));
		assert_field("value", rows[i].json);
		log_info(rows[i].text);
		assert_field("message", rows[i].json);
		log_set_request_id(rows[i].text);
		log_info("row");
		if (rows[i].text[0])
			assert_field("request_id", rows[i].json);
		log_set_request_id(NULL);
	}
}

/* Values of every length over the line's, of characters of every length and of those that are
 * escaped. */
static void a_long_line_is_cut_and_still_json(void **unused)
{
	(void)unused;
	static const char *const units[] = { "x", "\xc3\xab", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\n", "\"", "\xff" };
	static char value[LINE_BYTES * 4 + 1];
	for (size_t unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++) {
		size_t size = strlen(units[unit]);
		for (size_t len = 0; len + size < LINE_BYTES + 100;) {
			for (int i = 0; i < 7 || (len > 500 && len < 600 && i < 50); i++) {
				memcpy(value + len, units[unit], size);
				len += size;
			}
			value[len] = '\0';
			log_info("long", LOG_STR("value", value), LOG_STR("after", "value"),
				LOG_INT("number", INT64_MIN));
			assert_json();
			bool whole = strstr(seen, "\"number\":-9223372036854775808}") != NULL;
			bool cut = strstr(seen, ",\"truncated\":true}") != NULL;
			if (whole == cut)
				fail_msg("unit %zu, %zu bytes: %s", unit, len, seen);
		}
		assert_non_null(strstr(seen, ",\"truncated\":true}"));
		assert_true(strlen(seen) > LINE_BYTES - 100);
	}
}

/* Every position of the cut within one field and the next. */
static void every_length_near_the_end_is_json(void **unused)
{
	(void)unused;
	static char value[LINE_BYTES + 1];
	for (size_t len = LINE_BYTES - 400; len < LINE_BYTES; len++) {
		memset(value, 'x', len);
		value[len] = '\0';
		log_info("m", LOG_STR("value", value), LOG_INT("number", INT64_MIN),
			LOG_STR("s", "\n\n"));
		assert_json();
		log_info("m", LOG_STR("value", value), LOG_STR("s", "\n\n"), LOG_INT("n", 1));
		assert_json();
		log_info(value);
		assert_json();
	}
}

static void a_key_too_long_is_left_out(void **unused)
{
	(void)unused;
	static char key[LINE_BYTES + 10];
	memset(key, 'k', sizeof(key) - 1);
	log_info("m", LOG_INT("before", 1), LOG_INT(key, 2), LOG_INT("behind", 3));
	assert_field("before", "1");
	assert_field("truncated", "true");
	assert_null(strstr(seen, "kk"));
}

static void the_request_id_is_copied_cut_and_taken_away(void **unused)
{
	(void)unused;
	char id[300];
	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	log_set_request_id(id);
	memset(id, 'j', sizeof(id) - 1);
	log_info("m");
	struct str raw;
	assert_true(json_raw(str_of(seen), "request_id", &raw));
	assert_int_equal(raw.len, REQUEST_ID_BYTES - 1 + 2);
	assert_int_equal(raw.ptr[1], 'i');
	log_set_request_id("");
	log_info("m");
	assert_null(strstr(seen, "request_id"));
	log_set_request_id(NULL);
	log_info("m");
	assert_null(strstr(seen, "request_id"));
}

static void errno_is_told_and_left_alone(void **unused)
{
	(void)unused;
	errno = ENOENT;
	log_warn_errno("m", LOG_STR("path", "/x"));
	assert_int_equal(errno, ENOENT);
	assert_field("error", "\"No such file or directory\"");
	assert_field("path", "\"/x\"");
	errno = 99999;
	log_error_errno("m");
	assert_field("error", "\"unknown error\"");
}

/* Runs what writes to standard error in a process of its own; its output to text, its status back.
 */
static int run_child(void (*run)(void), char *text, size_t size)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		log_sink(NULL);
		run();
		_exit(0);
	}
	close(ends[1]);
	size_t len = 0;
	for (ssize_t got; (got = read(ends[0], text + len, size - 1 - len)) > 0;)
		len += (size_t)got;
	text[len] = '\0';
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void write_two(void)
{
	log_info("one");
	log_info("two\nlines");
}

static void end_badly(void)
{
	fatal("no use", LOG_INT("n", 1));
}

static void lines_go_to_standard_error(void **unused)
{
	(void)unused;
	char text[2 * LINE_BYTES];
	assert_int_equal(run_child(write_two, text, sizeof(text)), 0);
	char *first_end = strchr(text, '\n');
	assert_non_null(first_end);
	char *second_end = strchr(first_end + 1, '\n');
	assert_non_null(second_end);
	assert_string_equal(second_end + 1, "");
	*first_end = *second_end = '\0';
	strcpy(seen, text);
	assert_field("message", "\"one\"");
	strcpy(seen, first_end + 1);
	assert_field("message", "\"two\\u000alines\"");
}

static void fatal_logs_and_exits_with_one(void **unused)
{
	(void)unused;
	char text[2 * LINE_BYTES];
	assert_int_equal(run_child(end_badly, text, sizeof(text)), 1);
	text[strcspn(text, "\n")] = '\0';
	strcpy(seen, text);
	assert_field("level", "\"error\"");
	assert_field("message", "\"no use\"");
	assert_field("n", "1");
}

/* Lines of several processes into one pipe: none is torn, none is lost. */
static void processes_do_not_mix_their_lines(void **unused)
{
	(void)unused;
	enum {
		PROCESSES = 4,
		LINES = 200
	};
	char filler[2000];
	int ends[2];
	memset(filler, 'f', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	assert_int_equal(pipe(ends), 0);
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] > 0)
			continue;
		dup2(ends[1], STDERR_FILENO);
		log_sink(NULL);
		for (int n = 0; n < LINES; n++)
			log_info("m", LOG_STR("filler", filler));
		_exit(0);
	}
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	assert_non_null(in);
	int count = 0;
	while (fgets(seen, sizeof(seen), in)) {
		assert_json();
		count++;
	}
	fclose(in);
	assert_int_equal(count, PROCESSES * LINES);
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_has_its_fields, set_up),
		cmocka_unit_test_setup(levels_below_are_dropped, set_up),
		cmocka_unit_test_setup(numbers_are_written_to_their_ends, set_up),
		cmocka_unit_test_setup(what_could_deceive_is_escaped, set_up),
		cmocka_unit_test_setup(a_long_line_is_cut_and_still_json, set_up),
		cmocka_unit_test_setup(every_length_near_the_end_is_json, set_up),
		cmocka_unit_test_setup(a_key_too_long_is_left_out, set_up),
		cmocka_unit_test_setup(the_request_id_is_copied_cut_and_taken_away, set_up),
		cmocka_unit_test_setup(errno_is_told_and_left_alone, set_up),
		cmocka_unit_test_setup(lines_go_to_standard_error, set_up),
		cmocka_unit_test_setup(fatal_logs_and_exits_with_one, set_up),
		cmocka_unit_test_setup(processes_do_not_mix_their_lines, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
