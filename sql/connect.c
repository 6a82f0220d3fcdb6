/* Parameters of a connection (connect.h). Called by db.c, pipeline.c and ops/parley. */
#include "sql/connect.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

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

/* key='value', with quote and backslash escaped. */
static void pair_add(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s%s='", out->len > 0 ? " " : "", key);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *value);
	}
	buf_add_char(out, '\'');
}

enum err connect_split(struct arena *arena, const char *conninfo, char **plain, char **password)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	struct buf rest = { 0 };

	if (!options)
		return ERR_INVALID_INPUT;
	*password = NULL;
	for (const PQconninfoOption *option = options; option->keyword; option++) {
		if (!option->val)
			continue;
		if (strcmp(option->keyword, "password") == 0)
			*password = arena_strndup(arena, option->val, strlen(option->val));
		else
			pair_add(&rest, option->keyword, option->val);
	}
	PQconninfoFree(options);
	*plain = arena_strndup(arena, rest.data, rest.len);
	buf_free(&rest);
	return OK;
}

int connect_library_version(void)
{
	return PQlibVersion();
}
