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

struct operation {
	const struct options *options;
	struct conf conf;
	struct arena *arena; /* ends with the command */
	struct db *db;	     /* as the owner of the schema; connects when first used */
};

/* The commands: one function each, in the file of its noun. Each returns an enum operator_exit. */
int migrate_run(struct operation *op);
int seed_run(struct operation *op);
int user_add(struct operation *op);
int user_disable(struct operation *op);
int user_enable(struct operation *op);
int user_erase(struct operation *op);
int token_create(struct operation *op);
int token_list(struct operation *op);
int token_revoke(struct operation *op);
int audit_list(struct operation *op);
int keys_make(struct operation *op);
int keys_list(struct operation *op);
int keys_rotate(struct operation *op);
int keys_prune(struct operation *op);
int keys_drop(struct operation *op);
int doctor(struct operation *op);

/* The value of an option of the command by its name; NULL: it was not given. One without a value has "". */
const char *operator_value(const struct operation *op, const char *name);

/* The value of an option that is a time: RFC 3339, or how far from now (3h, 90d), to which direction is 1 for later and -1 for
 * before. Not given: TIME_NONE. ERR_INVALID_INPUT, when it was said on standard error. */
must_check enum err operator_time(
	const struct operation *op, const char *name, int direction, int64_t *out);

/* Who is meant by an id (which is believed) or a handle; the exit status, EXIT_DONE when it is known. */
int operator_user(struct operation *op, const char *name, struct uuid *out);

/* The value of an option that is a number; otherwise where it was not given. The same. */
must_check enum err operator_int(const struct operation *op, const char *name, long long otherwise,
	long long max, long long *out);

/* What the instance that runs in var says of itself, by make run's names: PARLEY_ORIGIN, PARLEY_OWNER_DATABASE … (var/run/env,
 * written by ops/run). NULL: it does not, or none runs. On the arena. */
const char *operator_instance(struct operation *op, const char *name);

/* Where the API is: of the instance that runs in var, else http://bind:port of the settings. On the arena. */
const char *operator_origin(struct operation *op);

/* A file that comes with the program, like "sql/migrate.sh": where the sources are, or below share/parley of where it is
 * installed. NULL: it is not there. On the arena. */
const char *operator_share(struct operation *op, const char *name);

/* Connection string of the owner: setting owner_database, else the instance's, else the private cluster below var. */
const char *operator_database(struct operation *op);

/* Says on standard error what is wrong, and returns EXIT_FAILED or EXIT_USAGE. */
int operator_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int operator_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a statement that came to err, which is not OK: says what that means for an operator. */
int operator_fail_db(struct operation *op, enum err err);

/* Waits for a program that it starts; its standard output goes to ours, or, where out is given, to a text on the arena.
 * arguments and the variables to be set ("NAME=value") end with NULL; variables may be NULL. Its exit status; 127 when it cannot be
 * started. */
int operator_run(
	struct operation *op, char *const arguments[], char *const variables[], struct str *out);

#endif
