/*
 * What a command of `parley` works with: its options, the settings, the database as the schema's owner, and how it
 * answers. A command answers on standard output, for people or, with --json, for programs; what is wrong goes to
 * standard error. Made by main.c.
 */
#ifndef OPS_PARLEY_OPERATOR_H
#define OPS_PARLEY_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/conf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/text.h"
#include "ops/parley/option.h"
#include "sql/db.h"

/* What a command returns. */
enum operator_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* refused, or something is broken; said on standard error */
	EXIT_USAGE = 2	 /* a value that cannot be meant; said there as well */
};

struct operator
{
	const struct options *options;
	struct conf conf;
	struct arena *arena; /* ends with the command */
	struct db *db;	     /* as the owner of the schema; connects when first used */
};

/* The commands: one function each, in the file of its noun. Each returns an enum operator_exit. */
int migrate_run(struct operator* op);
int seed_run(struct operator* op);

/* The value of an option of the command by its name; NULL: it was not given. One without a value has "". */
const char *operator_value(const struct operator* op, const char *name);

/* What the instance that runs in var says of itself, by make run's names: PARLEY_ORIGIN, PARLEY_OWNER_DATABASE … (var/run/env,
 * written by ops/run). NULL: it does not, or none runs. On the arena. */
const char *operator_instance(struct operator* op, const char *name);

/* Where the API is: of the instance that runs in var, else http://bind:port of the settings. On the arena. */
const char *operator_origin(struct operator* op);

/* A file that comes with the program, like "sql/migrate.sh": where the sources are, or below share/parley of where it is
 * installed. NULL: it is not there. On the arena. */
const char *operator_share(struct operator* op, const char *name);

/* Connection string of the owner: setting owner_database, else the instance's, else the private cluster below var. */
const char *operator_database(struct operator* op);

/* Says on standard error what is wrong, and returns EXIT_FAILED or EXIT_USAGE. */
int operator_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int operator_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a statement that came to err, which is not OK: says what that means for an operator. */
int operator_fail_db(struct operator* op, enum err err);

/* Waits for a program that it starts; its standard output goes to ours, or, where out is given, to a text on the arena.
 * arguments and the variables to be set ("NAME=value") end with NULL; variables may be NULL. Its exit status; 127 when it cannot be
 * started. */
int operator_run(
	struct operator* op, char *const arguments[], char *const variables[], struct str *out);

#endif
