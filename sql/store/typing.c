/* Recipients of typing (sql/query/typing.sql). Called by push/typing.c. */
#include "sql/store/typing.h"

struct call typing_recipients_call(const struct uuid *conversation, const struct uuid *user)
{
	return CALL(Q_TYPING_RECIPIENTS, P_UUID(conversation), P_UUID(user));
}

enum err typing_recipients_answer(
	struct arena *arena, const struct rows *rows, struct uuid **out, size_t *count)
{
	static const char *const names[] = { "user_id" };
	struct columns c;
	size_t found = rows_count(rows);

	if (found == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, 1, &c);
	if (row_is_null(&c, 0, 0))
		found = 0;
	*out = arena_calloc(arena, found + 1, sizeof(**out));
	*count = found;
	for (size_t i = 0; i < found; i++)
		(*out)[i] = row_uuid(&c, i, 0);
	return OK;
}
