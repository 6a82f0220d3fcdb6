/* The command line of `parley`, against a table of commands that has every kind of option. */
#include "ops/parley/option.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int nothing(struct operation *op)
{
	(void)op;
	return 0;
}

static const struct flag create_flags[] = {
	{ "name", "NAME", true, "what it is called" },
	{ "expires", "TIME", false, "when it ends" },
	{ "force", NULL, false, "whatever stands in its way" },
	{ NULL, NULL, false, NULL },
};

static const struct command table[] = {
	{ .words = "seed", .run = nothing, .help = "make something" },
	{ .words = "token create", .run = nothing, .help = "make one", .flags = create_flags },
	{ .words = "token revoke", .run = nothing, .help = "end one", .operand = "ID" },
	{ .words = "token", .run = nothing, .help = "whatever", .operand = "WORD" },
};

enum {
	NTABLE = 3, /* without the last */
	ARGUMENTS_MAX = 12
};

/* Splits line at its blanks; "''" is an empty argument. */
static enum err parse(const char *line, struct options *out)
{
	static char copy[256];
	char *argv[ARGUMENTS_MAX] = { (char *)(uintptr_t) "parley" };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *at = copy; *at;) {
		char *end = at + strcspn(at, " ");
		bool last = *end == '\0';

		*end = '\0';
		argv[argc++] = strcmp(at, "''") == 0 ? (char *)(uintptr_t) "" : at;
		at = last ? end : end + 1;
	}
	argv[argc] = NULL;
	return options_parse(table, NTABLE, argc, argv, out);
}

static void lines_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *line, *words, *group, *config, *name, *expires, *force, *operand;
		bool json, help, version;
	} rows[] = {
		{ .line = "seed", .words = "seed" },
		{ .line = "--json seed --config f", .words = "seed", .config = "f", .json = true },
		{ .line = "token create --name n", .words = "token create", .name = "n" },
		{ .line = "token --json create --name=n",
			.words = "token create",
			.name = "n",
			.json = true },
		{ .line = "token create --force --name=a=b --expires=",
			.words = "token create",
			.name = "a=b",
			.expires = "",
			.force = "" },
		{ .line = "token create --name --force",
			.words = "token create",
			.name = "--force" },
		{ .line = "token create --name ''", .words = "token create", .name = "" },
		{ .line = "token revoke x", .words = "token revoke", .operand = "x" },
		{ .line = "token revoke -- --x", .words = "token revoke", .operand = "--x" },
		{ .line = "token revoke -- -", .words = "token revoke", .operand = "-" },
		{ .line = "--help", .help = true },
		{ .line = "-h", .help = true },
		{ .line = "token --help", .group = "token", .help = true },
		{ .line = "token create --help", .words = "token create", .help = true },
		{ .line = "--version", .version = true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options o;
		const char *given[3] = { NULL, NULL, NULL };

		if (parse(rows[i].line, &o) != OK)
			fail_msg("%s: %s", rows[i].line, o.why);
		if (o.command && o.command->flags)
			memcpy(given, o.values, sizeof(given));
		const struct {
			const char *wanted, *got;
		} pairs[] = {
			{ rows[i].words, o.command ? o.command->words : NULL },
			{ rows[i].group, o.command ? NULL : o.group },
			{ rows[i].config, o.config },
			{ rows[i].name, given[0] },
			{ rows[i].expires, given[1] },
			{ rows[i].force, given[2] },
			{ rows[i].operand, o.operand },
		};
		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++) {
			const char *wanted = pairs[j].wanted, *got = pairs[j].got;

			if (!wanted != !got || (wanted && strcmp(wanted, got) != 0))
				fail_msg("%s, %zu: %s, not %s", rows[i].line, j, got ? got : "none",
					wanted ? wanted : "none");
		}
		if (o.json != rows[i].json || o.help != rows[i].help ||
			o.version != rows[i].version)
			fail_msg("%s: a switch", rows[i].line);
	}
}

static void what_cannot_be_meant_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "", "a command is needed" },
		{ "token", "parley token what?" },
		{ "tok", "there is no command \"tok\"" },
		{ "''", "there is no command \"\"" },
		{ "see", "there is no command \"see\"" },
		{ "token creat", "there is no command \"token creat\"" },
		{ "create", "there is no command \"create\"" },
		{ "seed x", "parley seed takes no argument \"x\"" },
		{ "token revoke", "parley token revoke needs ID" },
		{ "token revoke a b", "parley token revoke takes one ID, and \"b\" is a second" },
		{ "token create", "parley token create needs --name NAME" },
		{ "token create --name", "--name needs a value" },
		{ "token create --name a --name b", "--name is given twice" },
		{ "token create --name a --names b", "parley token create has no option --names" },
		{ "token create --name a --nam b", "parley token create has no option --nam" },
		{ "token create --force=1 --name a", "--force takes no value" },
		{ "token create -n a", "options begin with two dashes, and -n does not" },
		{ "--name a token create", "--name stands before the command, or is unknown" },
		{ "seed --json=1", "--json takes no value" },
		{ "seed --config", "--config needs a value" },
		{ "seed --config a --config=b", "--config is given twice" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options o;

		if (parse(rows[i].line, &o) == OK)
			fail_msg("%s is taken", rows[i].line);
		if (strcmp(o.why, rows[i].why) != 0)
			fail_msg("%s: %s, not %s", rows[i].line, o.why, rows[i].why);
	}
}

static void an_argument_of_any_length_is_refused(void **state)
{
	(void)state;
	static char name[100000];
	struct options o;

	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(options_parse(table, NTABLE, 2,
				 (char *[]){ (char *)(uintptr_t) "parley", name, NULL }, &o),
		ERR_INVALID_INPUT);
	assert_true(strlen(o.why) < WHY_BYTES);
}

/* The first command whose words fit all of what was typed: one word is no command where two are meant. */
static void one_word_may_be_a_command_beside_two(void **state)
{
	(void)state;
	struct options o;

	assert_int_equal(
		options_parse(table, NTABLE + 1, 3,
			(char *[]){ (char *)(uintptr_t) "parley", (char *)(uintptr_t) "token",
				(char *)(uintptr_t) "word", NULL },
			&o),
		OK);
	assert_string_equal(o.command->words, "token");
	assert_string_equal(o.operand, "word");
}

static void durations_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		long long seconds; /* 0: refused */
	} rows[] = {
		{ "1s", 1 },
		{ "45s", 45 },
		{ "30m", 1800 },
		{ "12h", 43200 },
		{ "90d", 7776000 },
		{ "2w", 1209600 },
		{ "3660d", 316224000 },
		{ "3661d", 0 },
		{ "99999999999999999999d", 0 },
		{ "0d", 0 },
		{ "-1d", 0 },
		{ "+1d", 0 },
		{ "01d", 0 },
		{ "1.5d", 0 },
		{ " 1d", 0 },
		{ "1 d", 0 },
		{ "1D", 0 },
		{ "1y", 0 },
		{ "d", 0 },
		{ "1", 0 },
		{ "", 0 },
		{ "1dd", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long long seconds = 0;
		enum err err = options_duration(rows[i].text, &seconds);

		if ((err == OK) != (rows[i].seconds > 0) || seconds != rows[i].seconds)
			fail_msg("%s: %lld", rows[i].text, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(what_cannot_be_meant_is_refused),
		cmocka_unit_test(an_argument_of_any_length_is_refused),
		cmocka_unit_test(one_word_may_be_a_command_beside_two),
		cmocka_unit_test(durations_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
