/* parley migrate, parley seed: what scripts do, found wherever the program is (operator.h). */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "ops/parley/table.h"
#include "sql/connect.h"

int migrate_run(struct operation *op)
{
	const char *script = operator_share(op, "sql/migrate.sh");
	char *database, *password = NULL;
	char *variables[] = { NULL, NULL };
	static const char *const names[] = { "migrated" };
	struct table *table = table_new(op, names, 1);
	struct str said;

	if (!script)
		return operator_fail(
			"sql/migrate.sh is neither in the sources nor in share/parley");
	/* what is on a command line anybody may read */
	if (connect_split(op->arena, operator_database(op), &database, &password) != OK)
		return operator_fail("owner_database is no connection string");
	if (password)
		variables[0] = arena_printf(op->arena, "PGPASSWORD=%s", password);
	/* what it says is no part of our answer in JSON */
	if (operator_run(op, (char *[]){ (char *)(uintptr_t)script, database, NULL }, variables,
		    op->options->json ? &said : NULL) != 0)
		return operator_fail("the migration failed");
	if (!op->options->json)
		return EXIT_DONE;
	table_bool(table, true);
	return table_print_record(table);
}

int seed_run(struct operation *op)
{
	static const char *const names[] = { "handles", "conversation_id" };
	const char *script = operator_share(op, "ops/demo");
	const char *origin = operator_value(op, "origin");
	struct table *table = table_new(op, names, 2);
	struct str conversation;

	if (!script)
		return operator_fail("ops/demo is neither in the sources nor in share/parley");
	if (!origin)
		origin = operator_origin(op);
	if (operator_run(op,
		    (char *[]){ (char *)(uintptr_t)script, (char *)(uintptr_t)origin, NULL }, NULL,
		    &conversation) != 0)
		return operator_fail("the demo people could not be made at %s", origin);
	while (conversation.len > 0 && conversation.ptr[conversation.len - 1] == '\n')
		conversation.len--;
	table_words(table, STR("alice bob carol"));
	table_text(table, conversation);
	return table_print_record(table);
}
