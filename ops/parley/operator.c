/* What every command works with (operator.h). Called by main.c and by the commands. */
#include "ops/parley/operator.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/time.h"

enum {
	EXIT_NO_PROGRAM = 127
};

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("parley: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int operator_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_FAILED;
}

int operator_misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_USAGE;
}

int operator_fail_db(struct operation *op, enum err err)
{
	switch (err) {
	case ERR_UNAVAILABLE:
		return operator_fail("the database does not answer; is Parley running with this "
				     "configuration (--config, PARLEY_VAR, owner_database)?");
	case ERR_CONFLICT:
		return operator_fail("it is there already (%s)", db_constraint(op->db));
	case ERR_NOT_FOUND:
		return operator_fail("there is no such thing");
	case ERR_INVALID_INPUT:
		return operator_fail("the database refuses a value");
	default:
		return operator_fail("the database refuses; is it migrated (parley migrate)?");
	}
}

const char *operator_value(const struct operation *op, const char *name)
{
	const struct flag *flags = op->options->command->flags;

	for (size_t i = 0; flags && flags[i].name; i++) {
		if (strcmp(flags[i].name, name) == 0)
			return op->options->values[i];
	}
	fatal("a command asks for an option that it does not have", LOG_STR("option", name));
}

enum err operator_time(const struct operation *op, const char *name, int direction, int64_t *out)
{
	const char *text = operator_value(op, name);
	long long seconds;

	if (!text) {
		*out = TIME_NONE;
		return OK;
	}
	if (options_duration(text, &seconds) == OK) {
		*out = time_now_us() + direction * seconds * 1000000;
		return OK;
	}
	if (time_parse(str_of(text), out) == OK)
		return OK;
	operator_misuse(
		"--%s is a time like 2027-01-31T00:00:00Z, or how far it is, like 90d or 12h",
		name);
	return ERR_INVALID_INPUT;
}

enum err operator_int(const struct operation *op, const char *name, long long otherwise,
	long long max, long long *out)
{
	const char *text = operator_value(op, name);

	*out = otherwise;
	if (!text || text_parse_int(str_of(text), 1, max, out))
		return OK;
	operator_misuse("--%s is a whole number from 1 to %lld", name, max);
	return ERR_INVALID_INPUT;
}

const char *operator_instance(struct operation *op, const char *name)
{
	const char *path = arena_printf(op->arena, "%s/run/env", op->conf.var);
	const char *value = NULL;
	size_t len = strlen(name), size = 0;
	char *line = NULL;
	FILE *file = fopen(path, "re");

	if (!file)
		return NULL;
	for (ssize_t n; !value && (n = getline(&line, &size, file)) > 0;) {
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			value = arena_strndup(op->arena, line + len + 1, (size_t)n - len - 1);
	}
	free(line);
	fclose(file);
	return value;
}

const char *operator_origin(struct operation *op)
{
	const char *origin = operator_instance(op, "PARLEY_ORIGIN"), *bind = op->conf.bind;

	if (origin)
		return origin;
	if (strcmp(bind, "0.0.0.0") == 0)
		bind = "127.0.0.1";
	else if (strcmp(bind, "::") == 0 || strcmp(bind, "*") == 0)
		bind = "::1";
	return arena_printf(op->arena, strchr(bind, ':') ? "http://[%s]:%d" : "http://%s:%d", bind,
		op->conf.port);
}

const char *operator_share(struct operation *op, const char *name)
{
	static const char *const places[] = { "../share/parley", ".." };
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));

	if (len <= 0 || (size_t)len == sizeof(program))
		return NULL;
	while (len > 0 && program[len - 1] != '/')
		len--;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *path =
			arena_printf(op->arena, "%.*s%s/%s", (int)len, program, places[i], name);

		if (access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

const char *operator_database(struct operation *op)
{
	const char *database = op->conf.owner_database;
	char *private;

	if (!*database)
		database = operator_instance(op, "PARLEY_OWNER_DATABASE");
	if (database)
		return database;
	private = conf_database(&op->conf, "parley");
	arena_defer(op->arena, free, private);
	return private;
}

/* In the child: never comes back. */
_Noreturn static void run_child(char *const arguments[], char *const variables[], int out)
{
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	for (size_t i = 0; variables && variables[i]; i++)
		putenv(variables[i]);
	execvp(arguments[0], arguments);
	_exit(EXIT_NO_PROGRAM);
}

static void read_all(struct operation *op, int fd, struct str *out)
{
	struct buf text = { 0 };
	ssize_t n;

	do {
		buf_reserve(&text, 4096);
		n = read(fd, text.data + text.len, 4096);
		text.len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	*out = (struct str){ arena_strndup(op->arena, text.data, text.len), text.len };
	buf_free(&text);
}

int operator_run(
	struct operation *op, char *const arguments[], char *const variables[], struct str *out)
{
	int ends[2] = { -1, -1 }, status;
	pid_t child;

	fflush(stdout);
	if (out && pipe(ends) < 0)
		return EXIT_NO_PROGRAM;
	child = fork();
	if (child == 0)
		run_child(arguments, variables, ends[1]);
	if (out) {
		close(ends[1]);
		if (child > 0)
			read_all(op, ends[0], out);
		close(ends[0]);
	}
	if (child < 0)
		return EXIT_NO_PROGRAM;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_NO_PROGRAM;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
