/*
 * Scopes: what a service token may do. One table for the route table, which says what each route takes, for the
 * database, which keeps what a token was given, and for the operator's command, which reads and prints them.
 */
#ifndef LIB_SCOPE_H
#define LIB_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum scope {
	SCOPE_NONE, /* nothing that a service may do, whatever it was given */
	SCOPE_USERS_READ,
	SCOPE_USERS_WRITE,
	SCOPE_CONVERSATIONS_READ,
	SCOPE_CONVERSATIONS_WRITE,
	SCOPE_MESSAGES_READ,
	SCOPE_MESSAGES_WRITE,
	SCOPE_ACT_AS, /* to name a user in Parley-Act-As */
	SCOPE__MAX
};

/* Name and one line of help of each; those of SCOPE_NONE are "-" and "". */
struct scope_info {
	const char *name;
	const char *help;
};
extern const struct scope_info scope_infos[SCOPE__MAX];

/* The scope of a name; SCOPE_NONE: there is none. */
enum scope scope_of(struct str name);

/* Names with blanks or commas between, as people type them, to the one spelling: each once, in the order of the table, a blank
 * between. "all" stands for each, also for those that are yet to come, and then alone. ERR_INVALID_INPUT: *bad is no name, or
 * empty where there is none at all. out: with its NUL. */
enum {
	SCOPES_TEXT_BYTES = 256
};
must_check enum err scopes_read(struct str text, char out[SCOPES_TEXT_BYTES], struct str *bad);

#endif
