/* Messages in the database (sql/query/message.sql). Called by the handlers and commands of
 * messages. */
#include "sql/store/message.h"

#include "lib/log.h"

enum {
	ID,
	SEQ,
	REV,
	SENDER_ID,
	TYPE,
	BODY,
	CIPHERTEXT,
	METADATA,
	REPLY_TO,
	CREATED_AT,
	EDITED_AT,
	DELETED_AT,
	EXTRA,
	STATUS,
	MESSAGE__MAX
};

static const char *const names[MESSAGE__MAX] = {
	[ID] = "id",
	[SEQ] = "seq",
	[REV] = "rev",
	[SENDER_ID] = "sender_id",
	[TYPE] = "type",
	[BODY] = "body",
	[CIPHERTEXT] = "ciphertext",
	[METADATA] = "metadata",
	[REPLY_TO] = "reply_to",
	[CREATED_AT] = "created_at",
	[EDITED_AT] = "edited_at",
	[DELETED_AT] = "deleted_at",
	[EXTRA] = "extra",
	[STATUS] = "status",
};

void message_columns(const struct rows *rows, const char *prefix, struct columns *out)
{
	columns_find(rows, prefix, names, MESSAGE__MAX, out);
}

bool has_message(const struct columns *columns, size_t row)
{
	return !row_is_null(columns, row, ID);
}

void message_extra_take(struct str extra, struct message *out)
{
	if (message_extra_read(extra, out) != OK)
		log_error("the database gave a message whose parts cannot be read");
}

void read_message(
	const struct columns *c, size_t row, const struct uuid *conversation, struct message *out)
{
	*out = (struct message){
		.id = row_uuid(c, row, ID),
		.conversation_id = *conversation,
		.seq = row_int64(c, row, SEQ),
		.rev = row_int64(c, row, REV),
		.sender_id = row_uuid(c, row, SENDER_ID),
		.type = row_text(c, row, TYPE),
		.body = row_text(c, row, BODY),
		.ciphertext = row_text(c, row, CIPHERTEXT),
		.metadata = row_text(c, row, METADATA),
		.reply_to = row_uuid(c, row, REPLY_TO),
		.created_at_us = row_time(c, row, CREATED_AT),
		.edited_at_us = row_time(c, row, EDITED_AT),
		.deleted_at_us = row_time(c, row, DELETED_AT),
		.status = (enum message_status)row_int64(c, row, STATUS),
	};
	message_extra_take(row_text(c, row, EXTRA), out);
}

/* What message_send's outcome comes to. */
static const struct {
	const char *name;
	enum err err;
	bool created;
} outcomes[] = {
	{ "created", OK, true },
	{ "exists", OK, false },
	{ "not_found", ERR_NOT_FOUND, false },
	{ "id_reused", ERR_ID_REUSED, false },
	{ "unknown", ERR_INVALID_INPUT, false },
	{ "blocked", ERR_BLOCKED, false },
};

struct call message_send_call(struct arena *arena, const struct uuid *conversation,
	const struct uuid *sender, const struct message_new *new)
{
	struct uuid event_id, receipt_id;

	uuid_new(&event_id);
	uuid_new(&receipt_id);
	return CALL(Q_MESSAGE_SEND, P_UUID(conversation), P_UUID(sender), P_UUID(&new->id),
		P_TEXT(new->type), P_TEXT(new->body), P_TEXT(new->ciphertext),
		P_TEXT(new->metadata), P_UUID(&new->reply_to),
		P_BYTES(new->digest, sizeof(new->digest)), P_UUID(&event_id), P_UUID(&receipt_id),
		new->nattachments > 0
			? P_TEXT(uuid_array(arena, new->attachments, new->nattachments))
			: P_NULL());
}

/* place: of the attachment that is not there, from 1; 0: it is the message replied to. */
static void unknown_note(struct arena *arena, struct faults *faults, int64_t place)
{
	if (place > 0)
		fault_add(faults, arena_printf(arena, "attachments[%lld]", (long long)place - 1),
			"unknown", "You have uploaded no such attachment.");
	else
		fault_add(faults, "reply_to", "unknown",
			"There is no such message in this conversation.");
}

enum err message_send_answer(struct arena *arena, const struct rows *rows, struct faults *faults,
	struct message_sent *out)
{
	static const char *const result_names[] = { "outcome", "seq", "rev", "created_at", "extra",
		"unknown" };
	struct columns c;
	struct str outcome;

	columns_find(rows, "", result_names, 6, &c);
	outcome = row_text(&c, 0, 0);
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (!str_equal(outcome, str_of(outcomes[i].name)))
			continue;
		if (outcomes[i].err == ERR_INVALID_INPUT)
			unknown_note(arena, faults, row_int64(&c, 0, 5));
		if (outcomes[i].err != OK)
			return outcomes[i].err;
		*out = (struct message_sent){
			.created = outcomes[i].created,
			.seq = row_int64(&c, 0, 1),
			.rev = row_int64(&c, 0, 2),
			.created_at_us = row_time(&c, 0, 3),
			.extra = row_text(&c, 0, 4),
		};
		return OK;
	}
	return ERR_INTERNAL;
}

enum err db_message_send(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *sender, const struct message_new *new, struct faults *faults,
	struct message *out, bool *created)
{
	struct call call = message_send_call(arena, conversation, sender, new);
	struct message_sent sent;
	struct rows *rows;
	enum err err = db_call(db, arena, &call, &rows);

	if (err == ERR_CONFLICT) /* a twin has just committed: now it is found */
		err = db_call(db, arena, &call, &rows);
	if (err == OK)
		err = message_send_answer(arena, rows, faults, &sent);
	if (err != OK)
		return err;
	*created = sent.created;
	if (!sent.created)
		return db_message_one(db, arena, conversation, sender, &new->id, out);
	*out = (struct message){
		.id = new->id,
		.conversation_id = *conversation,
		.seq = sent.seq,
		.rev = sent.rev,
		.sender_id = *sender,
		.type = new->type,
		.body = new->body,
		.ciphertext = new->ciphertext,
		.metadata = new->metadata,
		.reply_to = new->reply_to,
		.created_at_us = sent.created_at_us,
		.edited_at_us = TIME_NONE,
		.deleted_at_us = TIME_NONE,
		.status = MESSAGE_SENT,
	};
	message_extra_take(sent.extra, out);
	return OK;
}

enum err db_message_page(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct message_page *page, struct message **out,
	size_t *count)
{
	struct columns c;
	struct rows *rows;
	struct message *messages;
	size_t found;
	enum err err = db_run(db, arena, page->oldest_first ? Q_MESSAGE_PAGE_AFTER : Q_MESSAGE_PAGE,
		&rows, P_UUID(conversation), P_UUID(user),
		page->before_seq ? P_INT64(page->before_seq) : P_NULL(),
		page->after_seq ? P_INT64(page->after_seq) : P_NULL(),
		P_INT64((int64_t)page->limit + 1));

	if (err != OK)
		return err;
	found = rows_count(rows);
	if (found == 0)
		return ERR_NOT_FOUND;
	message_columns(rows, "", &c);
	if (!has_message(&c, 0))
		found = 0;
	messages = arena_calloc(arena, found, sizeof(*messages));
	for (size_t i = 0; i < found; i++)
		read_message(&c, i, conversation, &messages[i]);
	*out = messages;
	*count = found;
	return OK;
}

enum err db_message_one(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *id, struct message *out)
{
	struct columns c;
	struct rows *rows;
	enum err err = db_run(
		db, arena, Q_MESSAGE_ONE, &rows, P_UUID(conversation), P_UUID(user), P_UUID(id));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	message_columns(rows, "", &c);
	read_message(&c, 0, conversation, out);
	return OK;
}

enum err db_message_position(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *id, int64_t at_us, struct message_position *out)
{
	static const char *const position_names[] = { "id_seq", "at_seq", "past_seq" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_MESSAGE_POSITION, &rows, P_UUID(conversation),
		P_UUID(user), P_UUID(id), P_TIME(at_us));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", position_names, 3, &c);
	*out = (struct message_position){ row_int64(&c, 0, 0), row_int64(&c, 0, 1),
		row_int64(&c, 0, 2) };
	return OK;
}
