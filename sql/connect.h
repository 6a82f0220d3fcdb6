/*
 * How this program connects to PostgreSQL, for db.c and pipeline.c: a connection string and what we rely on.
 */
#ifndef SQL_CONNECT_H
#define SQL_CONNECT_H

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

#endif
