/* Parameters of a connection (connect.h). Called by db.c and pipeline.c. */
#include "sql/connect.h"

#include <stdio.h>

enum {
	CONNECT_TIMEOUT_S = 2
};

void connect_params(const char *conninfo, const char *application, int statement_timeout_ms,
	struct connect_params *out)
{
	snprintf(out->timeout, sizeof(out->timeout), "%d", CONNECT_TIMEOUT_S);
	snprintf(out->options, sizeof(out->options),
		"-c statement_timeout=%d -c idle_in_transaction_session_timeout=%d -c timezone=UTC "
		"-c jit=off",
		statement_timeout_ms, 2 * statement_timeout_ms);
	/* the last wins, so the connection string may add to, not take from, what we rely on */
	const struct {
		const char *key, *value;
	} rows[CONNECT_KEYS_MAX] = {
		{ "dbname", conninfo },
		{ "fallback_application_name", application },
		{ "connect_timeout", out->timeout },
		{ "client_encoding", "UTF8" },
		{ "options", out->options },
		{ NULL, NULL },
	};
	for (int i = 0; i < CONNECT_KEYS_MAX; i++) {
		out->keys[i] = rows[i].key;
		out->values[i] = rows[i].value;
	}
}
