/*
 * How this program connects to PostgreSQL, for db.c and pipeline.c: a connection string and what we rely on.
 */
#ifndef SQL_CONNECT_H
#define SQL_CONNECT_H

#include "lib/arena.h"
#include "lib/err.h"

enum {
	CONNECT_KEYS_MAX = 6
};

/* For PQconnectdbParams and PQconnectStartParams, with expand_dbname. Points into itself: not to be copied. */
struct connect_params {
	const char *keys[CONNECT_KEYS_MAX];
	const char *values[CONNECT_KEYS_MAX];
	char options[160];
	char timeout[16];
};

/* conninfo and application are borrowed. No statement runs longer than statement_timeout_ms. */
void connect_params(const char *conninfo, const char *application, int statement_timeout_ms,
	struct connect_params *out);

/* Takes the password out of a connection string, which goes on as *plain without it: for programs that are told where
 * to connect on their command line. *password: NULL where there is none. Both on the arena. ERR_INVALID_INPUT. */
must_check enum err connect_split(
	struct arena *arena, const char *conninfo, char **plain, char **password);

/* Of the library that is loaded: 150014. */
int connect_library_version(void);

#endif
