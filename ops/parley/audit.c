/* parley audit list: what services did (operator.h). */
#include <string.h>

#include "lib/time.h"
#include "ops/parley/table.h"
#include "sql/store/service.h"
#include "sql/store/user.h"

enum {
	ROWS_DEFAULT = 50,
	ROWS_MOST = 100000,
	PAGE_ROWS = 500
};

/* The ids are for programs. */
static const char *const names[] = { "at", "token", "user", "method", "route", "targets", "status",
	"remote_address", "request_id", "token_id", "user_id" };

enum {
	NNAMES = sizeof(names) / sizeof(names[0]),
	NNAMES_SHOWN = NNAMES - 2
};

static void row_add(const struct operation *op, struct table *table, const struct audit_row *row)
{
	table_time(table, row->at_us);
	table_text(table, row->token_name);
	table_text(table, row->user_handle);
	table_text(table, row->method);
	table_text(table, row->route);
	table_words(table, row->targets);
	if (row->status > 0)
		table_int(table, row->status);
	else
		table_string(table, NULL);
	table_text(table, row->remote_address);
	table_text(table, row->request_id);
	if (!op->options->json)
		return;
	table_uuid(table, &row->token_id);
	table_uuid(table, &row->user_id);
}

/* What --token, --user and --since narrow it to; the exit status where they cannot. */
static int filter_read(struct operation *op, struct audit_filter *out)
{
	struct str token = str_of(operator_value(op, "token"));
	const char *user = operator_value(op, "user");

	if (token.ptr && uuid_parse(token, &out->token_id) != OK)
		out->token_name = token;
	if (token.ptr && !text_is_utf8(token))
		return operator_misuse("--token is an id or a name");
	if (operator_time(op, "since", -1, &out->since_us) != OK)
		return EXIT_USAGE;
	if (!user)
		return EXIT_DONE;
	return operator_user(op, user, &out->user_id);
}

int audit_list(struct operation *op)
{
	struct table *table = table_new(op, names, op->options->json ? NNAMES : NNAMES_SHOWN);
	struct audit_filter filter = { .since_us = TIME_NONE };
	struct audit_row *rows;
	long long left;
	size_t count, most;
	int status = filter_read(op, &filter);

	if (status != EXIT_DONE)
		return status;
	if (operator_int(op, "limit", ROWS_DEFAULT, ROWS_MOST, &left) != OK)
		return EXIT_USAGE;
	do {
		enum err err;

		most = left < PAGE_ROWS ? (size_t)left : PAGE_ROWS;
		err = db_audit_list(op->db, op->arena, &filter, most, &rows, &count);
		if (err != OK)
			return operator_fail_db(op, err);
		for (size_t i = 0; i < count; i++)
			row_add(op, table, &rows[i]);
		if (count > 0)
			filter.before_id = rows[count - 1].id;
		left -= (long long)count;
	} while (count == most && left > 0);
	return table_print(table);
}
