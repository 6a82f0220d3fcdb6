/* Conversations in the database (sql/query/conversation.sql). Called by
 * rest/handler/conversation.c and member.c, and push/notify/erasure.c. */
#include "sql/store/conversation.h"

#include "sql/row.h"
#include "sql/store/member.h"
#include "sql/store/message.h"

/* One's own view first: a statement may have that alone. */
enum {
	ROLE,
	JOINED_AT,
	LAST_READ_SEQ,
	LAST_DELIVERED_SEQ,
	UNREAD_COUNT,
	MUTED_UNTIL,
	PINNED,
	ARCHIVED,
	MEMBERSHIP__MAX,
	ID = MEMBERSHIP__MAX,
	KIND,
	TITLE,
	AVATAR_URL,
	EXTERNAL_REF,
	CREATED_BY,
	CREATED_AT,
	LAST_ACTIVITY_AT,
	LAST_SEQ,
	REV,
	MEMBER_COUNT,
	CONVERSATION__MAX
};

static const char *const names[CONVERSATION__MAX] = {
	[ID] = "id",
	[KIND] = "kind",
	[TITLE] = "title",
	[AVATAR_URL] = "avatar_url",
	[EXTERNAL_REF] = "external_ref",
	[CREATED_BY] = "created_by",
	[CREATED_AT] = "created_at",
	[LAST_ACTIVITY_AT] = "last_activity_at",
	[LAST_SEQ] = "last_seq",
	[REV] = "rev",
	[MEMBER_COUNT] = "member_count",
	[ROLE] = "role",
	[JOINED_AT] = "joined_at",
	[LAST_READ_SEQ] = "last_read_seq",
	[LAST_DELIVERED_SEQ] = "last_delivered_seq",
	[UNREAD_COUNT] = "unread_count",
	[MUTED_UNTIL] = "muted_until",
	[PINNED] = "pinned",
	[ARCHIVED] = "archived",
};

enum {
	MEMBER_USER_ID,
	MEMBER_DISPLAY_NAME,
	MEMBER_AVATAR_URL,
	MEMBER_ROLE,
	MEMBER_READ_SEQ,
	MEMBER_DELIVERED_SEQ,
	MEMBER__MAX
};

static const char *const member_names[MEMBER__MAX] = {
	[MEMBER_USER_ID] = "user_id",
	[MEMBER_DISPLAY_NAME] = "display_name",
	[MEMBER_AVATAR_URL] = "avatar_url",
	[MEMBER_ROLE] = "role",
	[MEMBER_READ_SEQ] = "last_read_seq",
	[MEMBER_DELIVERED_SEQ] = "last_delivered_seq",
};

void member_columns(const struct rows *rows, const char *prefix, struct columns *out)
{
	columns_find(rows, prefix, member_names, MEMBER__MAX, out);
}

void read_member(const struct columns *c, size_t row, struct member *out)
{
	*out = (struct member){
		.user_id = row_uuid(c, row, MEMBER_USER_ID),
		.display_name = row_text(c, row, MEMBER_DISPLAY_NAME),
		.avatar_url = row_text(c, row, MEMBER_AVATAR_URL),
		.role = row_text(c, row, MEMBER_ROLE),
		.last_read_seq = row_int64(c, row, MEMBER_READ_SEQ),
		.last_delivered_seq = row_int64(c, row, MEMBER_DELIVERED_SEQ),
	};
}

static struct membership *read_membership(struct arena *arena, const struct columns *c, size_t row)
{
	struct membership *me = arena_alloc(arena, sizeof(*me));

	*me = (struct membership){
		.role = row_text(c, row, ROLE),
		.joined_at_us = row_time(c, row, JOINED_AT),
		.last_read_seq = row_int64(c, row, LAST_READ_SEQ),
		.last_delivered_seq = row_int64(c, row, LAST_DELIVERED_SEQ),
		.unread_count = row_int64(c, row, UNREAD_COUNT),
		.muted_until_us = row_time(c, row, MUTED_UNTIL),
		.pinned = row_bool(c, row, PINNED),
		.archived = row_bool(c, row, ARCHIVED),
	};
	return me;
}

/* A row of conversation_list or conversation_one: the conversation, the caller's view, the latest
 * message. */
static enum err read_conversation(struct arena *arena, const struct columns *c,
	const struct columns *message, size_t row, struct conversation *out)
{
	struct message *last;
	enum conversation_kind kind;
	enum err err = conversation_kind_parse(row_text(c, row, KIND), &kind);

	if (err != OK)
		return ERR_INTERNAL;
	*out = (struct conversation){
		.id = row_uuid(c, row, ID),
		.kind = kind,
		.title = row_text(c, row, TITLE),
		.avatar_url = row_text(c, row, AVATAR_URL),
		.external_ref = row_text(c, row, EXTERNAL_REF),
		.created_by = row_uuid(c, row, CREATED_BY),
		.created_at_us = row_time(c, row, CREATED_AT),
		.last_activity_at_us = row_time(c, row, LAST_ACTIVITY_AT),
		.last_seq = row_int64(c, row, LAST_SEQ),
		.rev = row_int64(c, row, REV),
		.member_count = row_int64(c, row, MEMBER_COUNT),
		.me = read_membership(arena, c, row),
	};
	if (has_message(message, row)) {
		last = arena_alloc(arena, sizeof(*last));
		read_message(message, row, &out->id, last);
		out->last_message = last;
	}
	return OK;
}

/* Notes each of the unknown ids ("id,id,…") at its place in member_ids. */
static void note_unknown(struct arena *arena, const struct conversation_new *new,
	struct str unknown, struct faults *faults)
{
	for (size_t at = 0; at + UUID_TEXT_LEN <= unknown.len; at += UUID_TEXT_LEN + 1) {
		struct uuid id;

		if (uuid_parse((struct str){ unknown.ptr + at, UUID_TEXT_LEN }, &id) != OK)
			return;
		for (size_t i = 0; i < new->nmembers; i++) {
			if (uuid_equal(&id, &new->member_ids[i]))
				fault_add(faults, "member_ids", "unknown",
					arena_printf(arena, "There is no user %.*s.", UUID_TEXT_LEN,
						unknown.ptr + at));
		}
	}
}

enum err db_conversation_create(struct db *db, struct arena *arena, const struct uuid *caller,
	const struct conversation_new *new, struct faults *faults, struct uuid *id, bool *created)
{
	static const char *const result_names[] = { "outcome", "id", "unknown" };
	struct columns c;
	struct rows *rows;
	struct uuid new_id, event_id;
	struct str outcome;
	enum err err;

	uuid_new(&new_id);
	uuid_new(&event_id);
	err = db_run(db, arena, Q_CONVERSATION_CREATE, &rows, P_UUID(&new_id),
		P_TEXT(str_of(conversation_kind_name(new->kind))), P_UUID(caller),
		P_TEXT(new->title), P_TEXT(new->avatar_url), P_TEXT(new->external_ref),
		P_TEXT(new->history_all ? STR("all") : STR("joined")),
		P_TEXT(uuid_array(arena, new->member_ids, new->nmembers)), P_UUID(&event_id));
	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 3, &c);
	outcome = row_text(&c, 0, 0);
	if (str_equal(outcome, STR("unknown_member"))) {
		note_unknown(arena, new, row_text(&c, 0, 2), faults);
		return faults->count > 0 ? ERR_INVALID_INPUT
					 : ERR_UNAUTHORIZED; /* the caller is gone */
	}
	if (str_equal(outcome, STR("blocked")))
		return ERR_BLOCKED;
	if (str_equal(outcome, STR("conflict")))
		return ERR_CONFLICT;
	*created = str_equal(outcome, STR("created"));
	*id = row_uuid(&c, 0, 1);
	return OK;
}

enum err db_conversation_update(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *caller, const struct conversation_change *change, bool said,
	const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_CONVERSATION_UPDATE, &rows, P_UUID(id), P_UUID(caller),
		P_BOOL(change->has_title), P_TEXT(change->title), P_BOOL(change->has_avatar_url),
		P_TEXT(change->avatar_url), P_UUID(&event_id), P_BOOL(said));
	return err == OK ? member_outcome(rows, why) : err;
}

enum err db_conversation_delete(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *caller, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_CONVERSATION_DELETE, &rows, P_UUID(id), P_UUID(caller),
		P_UUID(&event_id));
	return err == OK ? member_outcome(rows, why) : err;
}

enum err db_conversation_purge(
	struct db *db, struct arena *arena, int64_t max, int64_t kept_s, bool *done)
{
	static const char *const result_names[] = { "done" };
	struct columns c;
	struct rows *rows;
	enum err err =
		db_run(db, arena, Q_CONVERSATION_PURGE, &rows, P_INT64(max), P_INT64(kept_s));

	if (err != OK)
		return err;
	columns_find(rows, "", result_names, 1, &c);
	*done = row_bool(&c, 0, 0);
	return OK;
}

enum err db_membership_update(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *user, const struct membership_change *change, struct membership **out)
{
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_MEMBERSHIP_UPDATE, &rows, P_UUID(id), P_UUID(user),
		P_BOOL(change->has_muted_until), P_TIME(change->muted_until_us),
		change->has_pinned ? P_BOOL(change->pinned) : P_NULL(),
		change->has_archived ? P_BOOL(change->archived) : P_NULL());

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, MEMBERSHIP__MAX, &c);
	*out = read_membership(arena, &c, 0);
	return OK;
}

enum err db_conversation_one(struct db *db, struct arena *arena, const struct uuid *id,
	const struct uuid *user, struct conversation *out)
{
	struct columns c, message;
	struct rows *rows;
	struct member *members;
	enum err err = db_run(db, arena, Q_CONVERSATION_ONE, &rows, P_UUID(id), P_UUID(user));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, CONVERSATION__MAX, &c);
	message_columns(rows, "message_", &message);
	err = read_conversation(arena, &c, &message, 0, out);
	if (err == OK)
		err = db_run(db, arena, Q_CONVERSATION_MEMBERS, &rows, P_UUID(id), P_UUID(user));
	if (err != OK)
		return err;
	member_columns(rows, "", &c);
	out->nmembers = rows_count(rows);
	if (out->nmembers == 0) /* the user has gone between the two */
		return ERR_NOT_FOUND;
	members = arena_calloc(arena, out->nmembers, sizeof(*members));
	for (size_t i = 0; i < out->nmembers; i++)
		read_member(&c, i, &members[i]);
	out->members = members;
	return OK;
}

/* Both people of a direct conversation in the list: the caller from its own view, the other from
 * the row. */
static void read_pair(struct arena *arena, const struct columns *own, const struct columns *other,
	size_t row, const struct uuid *user, struct conversation *conversation)
{
	struct member *pair = arena_calloc(arena, 2, sizeof(*pair));

	pair[0] = (struct member){
		.user_id = *user,
		.display_name = row_text(own, row, 0),
		.avatar_url = row_text(own, row, 1),
		.role = conversation->me->role,
		.last_read_seq = conversation->me->last_read_seq,
		.last_delivered_seq = conversation->me->last_delivered_seq,
	};
	read_member(other, row, &pair[1]);
	conversation->members = pair;
	conversation->nmembers = 2;
}

enum err read_conversations(struct arena *arena, const struct rows *rows, const struct uuid *user,
	struct conversation **out, size_t *count)
{
	static const char *const own_names[] = { "own_display_name", "own_avatar_url" };
	struct columns c, message, own, other;
	struct conversation *list = arena_calloc(arena, rows_count(rows), sizeof(*list));

	columns_find(rows, "", names, CONVERSATION__MAX, &c);
	columns_find(rows, "", own_names, 2, &own);
	member_columns(rows, "other_", &other);
	message_columns(rows, "message_", &message);
	for (size_t i = 0; i < rows_count(rows); i++) {
		enum err err = read_conversation(arena, &c, &message, i, &list[i]);

		if (err != OK)
			return err;
		if (list[i].kind == CONVERSATION_DIRECT)
			read_pair(arena, &own, &other, i, user, &list[i]);
	}
	*out = list;
	*count = rows_count(rows);
	return OK;
}

enum err db_conversation_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct conversation **out, size_t *count)
{
	struct rows *rows;
	bool first = cursor->at_us == TIME_NONE;
	enum err err = db_run(db, arena, Q_CONVERSATION_LIST, &rows, P_UUID(user),
		P_INT64((int64_t)limit + 1), P_TIME(cursor->at_us),
		first ? P_NULL() : P_UUID(&cursor->id));

	return err == OK ? read_conversations(arena, rows, user, out, count) : err;
}

enum err db_unread_total(
	struct db *db, struct arena *arena, const struct uuid *user, struct unread *out)
{
	static const char *const unread_names[] = { "unread_count", "conversations" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_UNREAD_TOTAL, &rows, P_UUID(user));

	if (err != OK)
		return err;
	columns_find(rows, "", unread_names, 2, &c);
	*out = (struct unread){ row_int64(&c, 0, 0), row_int64(&c, 0, 1) };
	return OK;
}
