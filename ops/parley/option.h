/*
 * The command line of `parley`: which command, its options, its one operand. Tables alone say what there is, so that
 * the help cannot tell anything else than the parser does. Knows nothing of what a command then does.
 */
#ifndef OPS_PARLEY_OPTION_H
#define OPS_PARLEY_OPTION_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"

enum {
	FLAGS_MAX = 8,
	WHY_BYTES = 200
};

struct operation;

/* One option of a command: --name VALUE, --name=VALUE, or --name alone. */
struct flag {
	const char *name;  /* without the dashes */
	const char *value; /* what the help calls its value; NULL: it has none */
	bool needed;
	const char *help;
};

/* One command; what is left out is not there. flags ends with a row without a name. */
struct command {
	const char *words; /* "token create": one or two */
	const char
		*operand; /* what the help calls the argument that it needs; NULL: it takes none */
	const char *help; /* one line */
	int (*run)(struct operation *op); /* the exit status: enum operator_exit */
	const struct flag *flags;
	const char *more;	       /* what its own help says besides */
	void (*more_print)(FILE *out); /* and behind that */
};

/* What a command line comes to. All strings are those of argv. */
struct options {
	const struct command *command; /* NULL: none was named, or part of one */
	const char *group;	       /* then: its first word; NULL: not even that */
	bool help, version, json;
	const char *config;
	const char *values[FLAGS_MAX]; /* by the places in command->flags; NULL: not given */
	const char *operand;
	char why[WHY_BYTES]; /* of ERR_INVALID_INPUT */
};

/* Reads a command line; --config, --json, --help and --version may stand anywhere. ERR_INVALID_INPUT, with why. What is
 * needed need not be there when help is asked for. */
must_check enum err options_parse(const struct command *commands, size_t ncommands, int argc,
	char *const *argv, struct options *out);

/* The help of all commands, of those that begin with the word group, or of one. */
void options_help(FILE *out, const struct command *commands, size_t ncommands, const char *group);
void options_help_command(FILE *out, const struct command *command);

/* "90d", "12h", "30m", "45s", "2w" in seconds: at least one, at most ten years. ERR_INVALID_INPUT. */
must_check enum err options_duration(const char *text, long long *seconds);

#endif
