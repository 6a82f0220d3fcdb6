/*
 * parley: what operators do by hand. Migrations, demo people, accounts, service tokens and their audit log. One table of
 * commands, a row each; a command is one function in the file of its noun. It works on the database as the owner of the
 * schema, so whoever may do that may do all of this.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/version.h"
#include "ops/parley/operator.h"

static const struct flag seed_flags[] = {
	{ "origin", "URL", false, "where the API is, if not where the settings say" },
	{ NULL, NULL, false, NULL },
};

static const struct command commands[] = {
	{ "migrate", migrate_run, NULL, "bring the database up to this version", NULL,
		"Needs the roles of ops/roles.sql. Again and again does no harm.\n" },
	{ "seed", seed_run, NULL, "make the demo people and their first conversations", seed_flags,
		"Over the API, which must be running. Again and again does no harm. Never where "
		"real people are: the\n"
		"passwords are known.\n" },
};

enum {
	NCOMMANDS = sizeof(commands) / sizeof(commands[0])
};

/* What is asked about the program itself; else what is wrong. */
static int answer(const struct options *options, enum err err)
{
	if (err == OK && options->version)
		return printf("parley " PARLEY_VERSION "\n") > 0 ? EXIT_DONE : EXIT_FAILED;
	if (err == OK && options->command)
		return options_help_command(stdout, options->command), EXIT_DONE;
	if (err == OK)
		return options_help(stdout, commands, NCOMMANDS, options->group), EXIT_DONE;
	operator_misuse("%s", options->why);
	if (!options->command)
		options_help(stderr, commands, NCOMMANDS, options->group);
	else
		fprintf(stderr, "Try: parley %s --help\n", options->command->words);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct options options;
	struct operator op = { .options = &options };
	enum err err = options_parse(commands, NCOMMANDS, argc, argv, &options);
	int status;

	log_open("parley", LOG_LEVEL_INFO);
	if (err != OK || options.help || options.version)
		return answer(&options, err);
	if (sodium_init() < 0)
		fatal("libsodium does not start");
	if (conf_load(options.config ? options.config : getenv("PARLEY_CONF"), &op.conf) != OK)
		return EXIT_FAILED;
	log_open("parley", LOG_LEVEL_WARN);
	op.arena = arena_new();
	op.db = db_new(operator_database(&op), "parley", op.conf.statement_timeout_ms);
	status = options.command->run(&op);
	db_free(op.db);
	arena_free(op.arena);
	conf_free(&op.conf);
	return status;
}
