/* Search in messages (sql/query/search.sql). Called by rest/handler/search.c and push/notify/words.c. */
#include "sql/store/search.h"

#include "sql/row.h"
#include "sql/store/message.h"

enum {
	LOCALE,
	WORDS,
	NEEDED,
	KNOWN,
	QUERY__MAX
};

static const char *const query_names[QUERY__MAX] = {
	[LOCALE] = "locale",
	[WORDS] = "words",
	[NEEDED] = "needed",
	[KNOWN] = "known",
};

/* What was asked, as the database understands it: *c has one row. */
static enum err query_read(struct db *db, struct arena *arena, const struct uuid *user,
	const struct search *search, struct columns *c)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SEARCH_QUERY, &rows, P_UUID(user), P_TEXT(search->text),
		P_UUID(&search->conversation_id));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", query_names, QUERY__MAX, c);
	return row_bool(c, 0, KNOWN) ? OK : ERR_NOT_FOUND;
}

static void hits_read(
	struct arena *arena, const struct rows *rows, struct search_hit **out, size_t *count)
{
	static const char *const hit_names[] = { "conversation_id", "marked" };
	struct columns message, hit;

	message_columns(rows, "", &message);
	columns_find(rows, "", hit_names, 2, &hit);
	*count = rows_count(rows);
	*out = arena_calloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		struct uuid conversation = row_uuid(&hit, i, 0);

		read_message(&message, i, &conversation, &(*out)[i].message);
		(*out)[i].marked = row_text(&hit, i, 1);
	}
}

enum err db_search_messages(struct db *db, struct arena *arena, const struct uuid *user,
	const struct search *search, struct faults *faults, struct search_hit **out, size_t *count)
{
	const struct message_cursor *cursor = &search->cursor;
	struct columns c;
	struct rows *rows;
	enum err err = query_read(db, arena, user, search, &c);

	if (err != OK)
		return err;
	*count = 0;
	*out = NULL;
	if (row_is_null(&c, 0, WORDS))
		return OK;
	if (row_is_null(&c, 0, NEEDED)) {
		fault_add(faults, "q", "required", "Say a word that must be there.");
		return ERR_INVALID_INPUT;
	}
	err = db_run(db, arena, Q_SEARCH_MESSAGES, &rows, P_UUID(user),
		P_TEXT(row_text(&c, 0, LOCALE)), P_UUID(&search->conversation_id),
		P_UUID(&search->sender_id), P_TEXT(row_text(&c, 0, WORDS)),
		P_TEXT(row_text(&c, 0, NEEDED)), P_TIME(cursor->at_us),
		P_UUID(&cursor->conversation_id), P_INT64(cursor->seq),
		P_INT64((int64_t)search->limit + 1));
	if (err == OK)
		hits_read(arena, rows, out, count);
	return err;
}

enum err db_search_fill(struct db *db, struct arena *arena, int64_t most, int64_t *filled)
{
	static const char *const result_names[] = { "filled" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SEARCH_FILL, &rows, P_INT64(most));

	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 1, &c);
	*filled = row_int64(&c, 0, 0);
	return OK;
}
