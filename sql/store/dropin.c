/* What the drop-in routes show (sql/query/dropin.sql). Called by rest/dropin.c. */
#include "sql/store/dropin.h"

#include "sql/row.h"

enum {
	ID,
	EXTERNAL_REF,
	LAST_MESSAGE_AT,
	HAS_MESSAGE,
	CONTENT,
	SENDER_ID,
	CONVERSATION__MAX
};

static const char *const names[CONVERSATION__MAX] = {
	[ID] = "id",
	[EXTERNAL_REF] = "external_ref",
	[LAST_MESSAGE_AT] = "last_message_at",
	[HAS_MESSAGE] = "has_message",
	[CONTENT] = "content",
	[SENDER_ID] = "sender_id",
};

/* The rows come in the order of the list. */
static enum err read_participants(
	struct db *db, struct arena *arena, struct dropin_conversation *list, size_t count)
{
	static const char *const participant_names[] = { "place", "id", "name" };
	struct uuid *ids = arena_calloc(arena, count, sizeof(*ids));
	struct dropin_participant *all;
	struct columns c;
	struct rows *rows;
	size_t row = 0;
	enum err err;

	for (size_t i = 0; i < count; i++)
		ids[i] = list[i].id;
	err = db_run(
		db, arena, Q_DROPIN_PARTICIPANTS, &rows, P_TEXT(uuid_array(arena, ids, count)));
	if (err != OK)
		return err;
	columns_find(rows, "", participant_names, 3, &c);
	all = arena_calloc(arena, rows_count(rows), sizeof(*all));
	for (size_t i = 0; i < count; i++) {
		list[i].participants = &all[row];
		for (; row < rows_count(rows) && row_int64(&c, row, 0) == (int64_t)i + 1; row++)
			all[row] = (struct dropin_participant){ row_uuid(&c, row, 1),
				row_text(&c, row, 2) };
		list[i].nparticipants = (size_t)(&all[row] - list[i].participants);
	}
	return OK;
}

static enum err read_conversations(struct db *db, struct arena *arena, const struct rows *rows,
	struct dropin_conversation **out, size_t *count)
{
	struct dropin_conversation *list = arena_calloc(arena, rows_count(rows), sizeof(*list));
	struct columns c;
	enum err err;

	columns_find(rows, "", names, CONVERSATION__MAX, &c);
	for (size_t i = 0; i < rows_count(rows); i++) {
		list[i] = (struct dropin_conversation){
			.id = row_uuid(&c, i, ID),
			.external_ref = row_text(&c, i, EXTERNAL_REF),
			.last_message_at_us = row_time(&c, i, LAST_MESSAGE_AT),
			.has_message = row_bool(&c, i, HAS_MESSAGE),
			.content = row_text(&c, i, CONTENT),
			.sender_id = row_uuid(&c, i, SENDER_ID),
		};
	}
	err = read_participants(db, arena, list, rows_count(rows));
	if (err != OK)
		return err;
	*out = list;
	*count = rows_count(rows);
	return OK;
}

enum err db_dropin_conversations(struct db *db, struct arena *arena, const struct uuid *user,
	int64_t limit, int64_t offset, struct dropin_conversation **out, size_t *count)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DROPIN_CONVERSATIONS, &rows, P_UUID(user),
		P_INT64(limit), P_INT64(offset));

	return err == OK ? read_conversations(db, arena, rows, out, count) : err;
}

enum err db_dropin_conversation(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *user, struct dropin_conversation *out)
{
	struct dropin_conversation *list;
	struct rows *rows;
	size_t count;
	enum err err = db_run(db, arena, Q_DROPIN_CONVERSATION, &rows, P_UUID(id), P_UUID(user));

	if (err == OK && rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	if (err == OK)
		err = read_conversations(db, arena, rows, &list, &count);
	if (err == OK)
		*out = list[0];
	return err;
}

enum err db_dropin_by_ref(
	struct db *db, struct arena *arena, struct str external_ref, struct uuid *id)
{
	static const char *const id_name[] = { "id" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DROPIN_BY_REF, &rows, P_TEXT(external_ref));

	if (err == OK && rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	if (err != OK)
		return err;
	columns_find(rows, "", id_name, 1, &c);
	*id = row_uuid(&c, 0, 0);
	return OK;
}

enum err db_dropin_page(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, int64_t limit, int64_t offset, struct dropin_message **out,
	size_t *count, int64_t *total)
{
	static const char *const page_names[] = { "total", "id", "sender_id", "sender_name",
		"content", "status", "created_at" };
	struct dropin_message *page;
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_DROPIN_PAGE, &rows, P_UUID(conversation), P_UUID(user),
		P_INT64(offset), P_INT64(limit));

	if (err == OK && rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	if (err != OK)
		return err;
	columns_find(rows, "", page_names, 7, &c);
	page = arena_calloc(arena, rows_count(rows), sizeof(*page));
	for (size_t i = 0; i < rows_count(rows); i++) {
		page[i] = (struct dropin_message){
			.id = row_uuid(&c, i, 1),
			.sender_id = row_uuid(&c, i, 2),
			.sender_name = row_text(&c, i, 3),
			.content = row_text(&c, i, 4),
			.status = (enum message_status)row_int64(&c, i, 5),
			.created_at_us = row_time(&c, i, 6),
		};
	}
	*out = page;
	*count = row_is_null(&c, 0, 1) ? 0 : rows_count(rows);
	*total = row_int64(&c, 0, 0);
	return OK;
}
