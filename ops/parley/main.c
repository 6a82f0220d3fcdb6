/*
 * parley: what operators do by hand. Migrations, demo people, accounts, service tokens and their audit log. One table of
 * commands, a row each; a command is one function in the file of its noun. It works on the database as the owner of the
 * schema, so whoever may do that may do all of this.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/scope.h"
#include "lib/version.h"
#include "ops/parley/operator.h"

static const struct flag seed_flags[] = {
	{ "origin", "URL", false, "where the API is, if not where the settings say" },
	{ NULL, NULL, false, NULL },
};

static const struct flag rotate_flags[] = {
	{ "step", "STEP", false, "only this step: publish, or sign" },
	{ "wait", "TIME", false, "for those who verify tokens, before signing (5s)" },
	{ "no-check", NULL, false, "sign without asking whether they know the key" },
	{ NULL, NULL, false, NULL },
};

static const struct flag user_add_flags[] = {
	{ "handle", "HANDLE", true, "what it logs in with: 3 to 32 of A-Z a-z 0-9 _ . -" },
	{ "name", "NAME", true, "what others read" },
	{ "email", "ADDRESS", false, "its e-mail address" },
	{ "password-stdin", NULL, false, "read a password from standard input; else it has none" },
	{ NULL, NULL, false, NULL },
};

static const struct flag token_create_flags[] = {
	{ "name", "NAME", true, "what people call it; no other live token has it" },
	{ "scope", "SCOPES", true, "what it may do: names with a blank between, or all" },
	{ "expires", "TIME", false, "when it ends: 90d, 12h, or 2027-01-31T00:00:00Z; else never" },
	{ NULL, NULL, false, NULL },
};

static const struct flag token_list_flags[] = {
	{ "all", NULL, false, "also those that have ended" },
	{ NULL, NULL, false, NULL },
};

static const struct flag audit_list_flags[] = {
	{ "token", "ID|NAME", false, "of this token alone" },
	{ "user", "ID|HANDLE", false, "for this user alone" },
	{ "since", "TIME", false, "since then: 2h, 7d, or 2027-01-31T00:00:00Z" },
	{ "limit", "N", false, "so many at most (50)" },
	{ NULL, NULL, false, NULL },
};

static void scopes_print(FILE *out)
{
	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX; i++)
		fprintf(out, "  %-20s %s\n", scope_infos[i].name, scope_infos[i].help);
	fprintf(out, "  %-20s %s\n", "all", "each of these, also those that later versions add");
}

/* clang-format off */
static const struct command commands[] = {
	{ .words = "migrate", .run = migrate_run, .help = "bring the database up to this version",
		.more = "Needs the roles of ops/roles.sql. Again and again does no harm.\n" },
	{ .words = "seed", .run = seed_run, .flags = seed_flags,
		.help = "make the demo people and their first conversations",
		.more = "Over the API, which must be running. Again and again does no harm. Never where real people are: the\n"
			"passwords are known.\n" },
	{ .words = "user add", .run = user_add, .flags = user_add_flags, .help = "make an account, and print its id",
		.more = "Without a password nobody logs in to it, and a service can act for it all the same.\n" },
	{ .words = "user disable", .run = user_disable, .operand = "ID|HANDLE", .help = "shut an account, at once",
		.more = "Its sessions end, nobody logs in to it, and no service acts for it. What it wrote stays.\n" },
	{ .words = "user enable", .run = user_enable, .operand = "ID|HANDLE", .help = "open an account that was shut" },
	{ .words = "user erase", .run = user_erase, .operand = "ID|HANDLE", .help = "erase an account, for ever",
		.more = "As DELETE /users/me: nothing says any more who it was. Its messages stay, or go where the setting\n"
			"erase_messages says so.\n" },
	{ .words = "token create", .run = token_create, .flags = token_create_flags,
		.help = "make a service token, and print it, this once",
		.more = "For the host product's backend, which sends it as Authorization: Bearer. Scopes:\n\n",
		.more_print = scopes_print },
	{ .words = "token list", .run = token_list, .flags = token_list_flags, .help = "list service tokens, newest first" },
	{ .words = "token revoke", .run = token_revoke, .operand = "ID|NAME", .help = "end a service token, at once" },
	{ .words = "audit list", .run = audit_list, .flags = audit_list_flags,
		.help = "list what services did, latest first",
		.more = "Without a status: the answer is under way, or the process died before it could say.\n" },
	{ .words = "keys list", .run = keys_list, .help = "the keys of access tokens, and what each is for" },
	{ .words = "keys make", .run = keys_make, .help = "make the first key, where there is none",
		.more = "The files are those of the settings token_private_key and token_public_keys. What is there stays.\n" },
	{ .words = "keys rotate", .run = keys_rotate, .flags = rotate_flags, .help = "sign with a new key from now on",
		.more = "No token is refused: the new key signs when parley-rest and the broker know it, and the old one verifies\n"
			"until its last token has ended. Nobody needs to be reloaded. With several hosts: --step publish, copy the\n"
			"file of public keys to each, --step sign, copy both files to those that sign.\n" },
	{ .words = "keys prune", .run = keys_prune, .help = "forget the retired keys whose tokens have ended",
		.more = "The next rotation does that, too.\n" },
	{ .words = "keys drop", .run = keys_drop, .operand = "KID", .help = "forget a key at once: its tokens are refused",
		.more = "For a key that others may have. Reloads parley-rest and the broker of this instance, which closes the\n"
			"connections that it let in.\n" },
	{ .words = "doctor", .run = doctor, .help = "look at everything, and say what to do about what is wrong",
		.more = "Changes nothing, and takes less than five seconds. Exit status 1 when a check failed.\n" },
};
/* clang-format on */

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
	struct operation op = { .options = &options };
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
