/* Changes of messages that were sent, in the database (sql/query/change.sql). Called by rest/handler/change.c. */
#include "sql/store/change.h"

#include "lib/time.h"
#include "sql/outcome.h"
#include "sql/row.h"
#include "sql/store/message.h"

enum {
	/* each comes to nothing only because another edit of the same message has come to something meanwhile */
	TRIES_MAX = 100
};

/* What the functions say. */
static const struct outcome outcomes[] = {
	{ "ok", OK, NULL },
	{ "changed", ERR_UNAVAILABLE, NULL }, /* the same request may be sent again */
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "forbidden", ERR_FORBIDDEN, NULL },
	{ "blocked", ERR_BLOCKED, NULL },
	{ "late", ERR_FORBIDDEN, "The time in which this message could be edited is over." },
};

/* --- edits -------------------------------------------------------------------------------------- */

/* Whether the message is one that its reader may edit. */
static enum err edit_check(const struct message *message, const struct uuid *user, const char **why)
{
	if (!uuid_equal(&message->sender_id, user))
		return ERR_FORBIDDEN;
	if (message->deleted_at_us == TIME_NONE)
		return OK;
	*why = "The message has been deleted.";
	return ERR_CONFLICT;
}

/* Writes the message as it is to be; edited_at_us is still that of before. ERR_UNAVAILABLE: it has changed since it was read, or
 * there is no database. */
static enum err edit_write(struct db *db, struct arena *arena, const struct edit_terms *terms,
	struct message *message, bool *changed, const char **why)
{
	static const char *const names[] = { "outcome", "rev", "edited_at", "extra", "status" };
	struct columns c;
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_MESSAGE_EDIT, &rows, P_UUID(&message->conversation_id),
		P_UUID(&message->sender_id), P_UUID(&message->id), P_TIME(message->edited_at_us),
		P_TEXT(message->body), P_TEXT(message->ciphertext), P_TEXT(message->metadata),
		P_INT64(terms->window_s), P_BOOL(terms->keeps), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", names, 5, &c);
	*changed = str_equal(row_text(&c, 0, 0), STR("changed"));
	err = OUTCOME_FIND(outcomes, row_text(&c, 0, 0), why);
	if (err != OK)
		return err;
	message->rev = row_int64(&c, 0, 1);
	message->edited_at_us = row_time(&c, 0, 2);
	message->status = (enum message_status)row_int64(&c, 0, 4);
	message_extra_take(row_text(&c, 0, 3), message);
	return OK;
}

enum err db_message_edit(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *id, const struct message_change *change,
	const struct edit_terms *terms, struct faults *faults, struct message *out,
	const char **why)
{
	bool changed = true;
	enum err err = OK;

	/* what it comes to is found here, as values; that it still is what it was is found with the lock */
	for (int i = 0; i < TRIES_MAX && changed; i++) {
		changed = false;
		err = db_message_one(db, arena, conversation, user, id, out);
		if (err == OK)
			err = edit_check(out, user, why);
		if (err != OK)
			return err;
		if (!message_change_apply(arena, change, faults, out))
			return faults->count > 0 ? ERR_INVALID_INPUT : OK;
		err = edit_write(db, arena, terms, out, &changed, why);
	}
	return err;
}

/* --- deletion ----------------------------------------------------------------------------------- */

enum err db_message_delete(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *id)
{
	struct rows *rows;
	const char *why;
	enum err err = db_run(
		db, arena, Q_MESSAGE_DELETE, &rows, P_UUID(conversation), P_UUID(user), P_UUID(id));

	if (err != OK)
		return err;
	return OUTCOME_READ(outcomes, rows, &why);
}

/* --- versions ----------------------------------------------------------------------------------- */

enum err db_message_versions(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *id, int64_t before_rev, size_t limit,
	struct message_version **out, size_t *count)
{
	enum {
		IS_OWN,
		REV,
		BODY,
		CIPHERTEXT,
		METADATA,
		AT,
		VERSION__MAX
	};
	static const char *const names[VERSION__MAX] = { "is_own", "rev", "body", "ciphertext",
		"metadata", "at" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_MESSAGE_VERSIONS, &rows, P_UUID(conversation),
		P_UUID(user), P_UUID(id), before_rev ? P_INT64(before_rev) : P_NULL(),
		P_INT64((int64_t)limit + 1));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, VERSION__MAX, &c);
	if (!row_bool(&c, 0, IS_OWN))
		return ERR_FORBIDDEN;
	*count = row_is_null(&c, 0, REV) ? 0 : rows_count(rows);
	*out = arena_calloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct message_version){
			.rev = row_int64(&c, i, REV),
			.body = row_text(&c, i, BODY),
			.ciphertext = row_text(&c, i, CIPHERTEXT),
			.metadata = row_text(&c, i, METADATA),
			.at_us = row_time(&c, i, AT),
		};
	return OK;
}
