/* parley token …: service tokens, as an operator makes, sees and ends them (operator.h). */
#include <stdio.h>
#include <string.h>

#include "lib/scope.h"
#include "lib/time.h"
#include "ops/parley/table.h"
#include "sql/store/service.h"

enum {
	NAME_MAX_POINTS = 64,
	PAGE_ROWS = 500
};

static const char *const names[] = { "id", "name", "scopes", "created_at", "expires_at",
	"revoked_at", "last_used_at" };

enum {
	NNAMES = sizeof(names) / sizeof(names[0])
};

static void token_add(struct table *table, const struct service_token *token)
{
	table_uuid(table, &token->id);
	table_text(table, token->name);
	table_words(table, token->scopes);
	table_time(table, token->created_at_us);
	table_time(table, token->expires_at_us);
	table_time(table, token->revoked_at_us);
	table_time(table, token->last_used_at_us);
}

/* An id names a token wherever a name does, so none is called like one. */
static bool name_ok(struct str name)
{
	struct uuid id;

	return text_is_utf8(name) && !text_has_control(name) && !text_is_blank(name) &&
	       text_code_points(name) <= NAME_MAX_POINTS && uuid_parse(name, &id) != OK;
}

static int scopes_misuse(struct str bad)
{
	char all[SCOPES_TEXT_BYTES] = "";
	size_t len = 0;

	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s, ", scope_infos[i].name);
	if (bad.len == 0)
		return operator_misuse("--scope names nothing; there are: %sall", all);
	return operator_misuse(
		"there is no scope %.*s; there are: %sall", (int)bad.len, bad.ptr, all);
}

int token_create(struct operation *op)
{
	static const char *const made_names[] = { "id", "name", "scopes", "created_at",
		"expires_at", "token" };
	struct service_token new = { .name = str_of(operator_value(op, "name")) }, made;
	char scopes[SCOPES_TEXT_BYTES], token[SERVICE_TOKEN_LEN + 1];
	uint8_t hash[SERVICE_HASH_BYTES];
	struct table *table;
	struct str bad;
	enum err err;
	int status;

	if (!name_ok(new.name))
		return operator_misuse("--name is 1 to 64 characters, and no id");
	if (scopes_read(str_of(operator_value(op, "scope")), scopes, &bad) != OK)
		return scopes_misuse(bad);
	if (operator_time(op, "expires", 1, &new.expires_at_us) != OK)
		return EXIT_USAGE;
	if (new.expires_at_us != TIME_NONE &&new.expires_at_us <= time_now_us())
		return operator_misuse("--expires is in the past");
	new.scopes = str_of(scopes);
	uuid_new(&new.id);
	service_token_new(token, hash);
	err = db_service_token_create(op->db, op->arena, &new, hash, &made);
	if (err == ERR_CONFLICT)
		return operator_fail(
			"there is a token of the name %s; revoke it first, or take another name",
			operator_value(op, "name"));
	if (err != OK)
		return operator_fail_db(op, err);
	if (!op->options->json) {
		status = printf("%s\n", token) > 0 && fflush(stdout) == 0
				 ? EXIT_DONE
				 : operator_fail("the token could not be written; revoke it");
		explicit_bzero(token, sizeof(token));
		return status;
	}
	table = table_new(op, made_names, 6);
	table_uuid(table, &made.id);
	table_text(table, made.name);
	table_words(table, made.scopes);
	table_time(table, made.created_at_us);
	table_time(table, made.expires_at_us);
	table_string(table, token);
	status = table_print_record(table);
	explicit_bzero(token, sizeof(token));
	return status;
}

int token_list(struct operation *op)
{
	bool ended = operator_value(op, "all") != NULL;
	struct table *table = table_new(op, names, NNAMES);
	struct cursor cursor = { .at_us = TIME_NONE };
	struct service_token *list;
	size_t count;

	do {
		enum err err = db_service_token_list(
			op->db, op->arena, ended, &cursor, PAGE_ROWS, &list, &count);

		if (err != OK)
			return operator_fail_db(op, err);
		for (size_t i = 0; i < count; i++) {
			token_add(table, &list[i]);
			cursor = (struct cursor){ list[i].created_at_us, list[i].id };
		}
	} while (count == PAGE_ROWS);
	return table_print(table);
}

int token_revoke(struct operation *op)
{
	struct str name = str_of(op->options->operand);
	struct uuid id = { { 0 } };
	struct service_token token;
	struct table *table = table_new(op, names, NNAMES);
	enum err err;

	if (uuid_parse(name, &id) == OK)
		name = (struct str){ NULL, 0 };
	else if (!text_is_utf8(name))
		return operator_misuse("that is no name");
	err = db_service_token_revoke(op->db, op->arena, &id, name, &token);
	if (err == ERR_NOT_FOUND)
		return operator_fail("there is no live token %s", op->options->operand);
	if (err != OK)
		return operator_fail_db(op, err);
	token_add(table, &token);
	return table_print_record(table);
}
