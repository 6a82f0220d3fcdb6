/*
 * Events: a record of the WAL read back into a struct, and the struct as the payload that clients
 * get. Records are our own, but a WAL may come from another version or hand: nothing in one is
 * taken on trust.
 */
#include "lib/model/event.h"

#include "lib/json_read.h"
#include "lib/json_write.h"
#include "lib/time.h"

enum {
	RECORD_DEPTH_MAX = 16
};

/* JSON integers are exact in every client below this (rule 37). */
#define SEQ_MAX (INT64_C(9007199254740991))

const struct event_info event_infos[EVENT__MAX] = {
	[EVENT_MESSAGE_CREATED] = { "message.created", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
	[EVENT_MESSAGE_UPDATED] = { "message.updated", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
	[EVENT_MESSAGE_DELETED] = { "message.deleted", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
	[EVENT_RECEIPT_DELIVERED] = { "receipt.delivered", TOPIC_RECEIPTS, EVENT_DATA_RECEIPT },
	[EVENT_RECEIPT_READ] = { "receipt.read", TOPIC_RECEIPTS, EVENT_DATA_RECEIPT },
	[EVENT_CONVERSATION_CREATED] = { "conversation.created", TOPIC_CONVERSATIONS,
		EVENT_DATA_CONVERSATION },
	[EVENT_CONVERSATION_UPDATED] = { "conversation.updated", TOPIC_CONVERSATIONS,
		EVENT_DATA_COLUMNS },
	[EVENT_CONVERSATION_DELETED] = { "conversation.deleted", TOPIC_CONVERSATIONS,
		EVENT_DATA_COLUMNS },
	[EVENT_MEMBER_ADDED] = { "member.added", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
	[EVENT_MEMBER_UPDATED] = { "member.updated", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
	[EVENT_MEMBER_REMOVED] = { "member.removed", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
	[EVENT_TYPING_STARTED] = { "typing.started", TOPIC_TYPING, EVENT_DATA_TYPING },
	[EVENT_TYPING_STOPPED] = { "typing.stopped", TOPIC_TYPING, EVENT_DATA_TYPING },
	[EVENT_SESSION_REVOKED] = { "session.revoked", TOPIC__MAX, EVENT_DATA_REVOCATION },
	[EVENT_USER_BARRED] = { "user.barred", TOPIC__MAX, EVENT_DATA_BAR },
	[EVENT_USER_UNBARRED] = { "user.unbarred", TOPIC__MAX, EVENT_DATA_BAR },
	[EVENT_USER_BLOCKED] = { "user.blocked", TOPIC__MAX, EVENT_DATA_BLOCK },
	[EVENT_USER_UNBLOCKED] = { "user.unblocked", TOPIC__MAX, EVENT_DATA_BLOCK },
	[EVENT_IDENTITY_KEYS] = { "identity.keys", TOPIC__MAX, EVENT_DATA_KEYS },
};

/* --- reading ---------------------------------------------------------------------------------- */

/* What the reading of a record goes through. */
struct record {
	struct arena *arena;
	const char *why; /* the first field that is wrong; NULL: none */
};

/* Notes it, unless something was wrong before. */
static void wrong(struct record *record, const char *key)
{
	if (record->why == NULL)
		record->why = key;
}

static void id_get(struct record *record, const struct json *object, const char *key,
	enum json_need need, struct uuid *out)
{
	const struct json *value = json_get(object, key);
	if (value == NULL && need == JSON_OPTIONAL)
		return;
	if (uuid_parse(json_str(value), out) != OK)
		wrong(record, key);
}

static void int_get(struct record *record, const struct json *object, const char *key, int64_t min,
	int64_t *out)
{
	if (!json_int(json_get(object, key), min, SEQ_MAX, out))
		wrong(record, key);
}

static void str_get(struct record *record, const struct json *object, const char *key,
	enum json_need need, struct str *out)
{
	const struct json *value = json_get(object, key);
	if (value == NULL && need == JSON_OPTIONAL)
		return;
	if (json_kind_of(value) == JSON_STRING)
		*out = json_str(value);
	else
		wrong(record, key);
}

static void time_get(struct record *record, const struct json *object, const char *key,
	enum json_need need, int64_t *out)
{
	const struct json *value = json_get(object, key);
	*out = TIME_NONE;
	if (value == NULL && need == JSON_OPTIONAL)
		return;
	if (time_parse_db(json_str(value), out) != OK)
		wrong(record, key);
}

static void type_get(struct record *record, const struct json *object, enum event_type *out)
{
	struct str name = json_str(json_get(object, "type"));
	for (size_t i = 0; name.ptr != NULL && i < EVENT__MAX; i++) {
		if (event_infos[i].data != EVENT_DATA_TYPING &&
			str_equal(name, str_of(event_infos[i].name))) {
			*out = (enum event_type)i;
			return;
		}
	}
	wrong(record, "type");
}

/* A list of ids. */
static void ids_get(struct record *record, const struct json *object, const char *key,
	struct uuid **out, size_t *count)
{
	const struct json *ids = json_get(object, key);
	if (json_kind_of(ids) != JSON_ARRAY) {
		wrong(record, key);
		return;
	}
	*count = json_length(ids);
	*out = arena_calloc(record->arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		if (uuid_parse(json_str(json_at(ids, i)), &(*out)[i]) != OK)
			wrong(record, key);
	}
}

/* A string that holds an object: it is handed on as it is, so it has to be one. */
static void object_get(
	struct record *record, const struct json *object, const char *key, struct str *out)
{
	char unused[JSON_WHY_BYTES];
	struct str text = { NULL, 0 }, value;
	str_get(record, object, key, JSON_OPTIONAL, &text);
	if (text.ptr == NULL)
		return;
	struct str rest = text;
	if (json_scan(text, RECORD_DEPTH_MAX, unused) != OK || !json_walk(&rest, &value) ||
		value.ptr[0] != '{')
		wrong(record, key);
	else
		*out = value;
}

static void extra_get(struct record *record, const struct json *data, struct message *out)
{
	struct str extra = { NULL, 0 };
	object_get(record, data, "extra", &extra);
	if (message_extra_read(extra, out) != OK)
		wrong(record, "extra");
}

static void status_get(struct record *record, const struct json *data, enum message_status *out)
{
	const struct json *value = json_get(data, "status");
	int64_t status;
	if (value == NULL)
		return;
	if (json_int(value, MESSAGE_SENT, MESSAGE_READ, &status))
		*out = (enum message_status)status;
	else
		wrong(record, "status");
}

static void message_get(struct record *record, const struct json *data, struct message *out)
{
	*out = (struct message){ .status = MESSAGE_SENT };
	id_get(record, data, "id", JSON_REQUIRED, &out->id);
	id_get(record, data, "conversation_id", JSON_REQUIRED, &out->conversation_id);
	int_get(record, data, "seq", 1, &out->seq);
	int_get(record, data, "rev", 1, &out->rev);
	id_get(record, data, "sender_id", JSON_OPTIONAL, &out->sender_id);
	str_get(record, data, "type", JSON_REQUIRED, &out->type);
	str_get(record, data, "body", JSON_OPTIONAL, &out->body);
	str_get(record, data, "ciphertext", JSON_OPTIONAL, &out->ciphertext);
	object_get(record, data, "metadata", &out->metadata);
	id_get(record, data, "reply_to", JSON_OPTIONAL, &out->reply_to);
	time_get(record, data, "created_at", JSON_REQUIRED, &out->created_at_us);
	time_get(record, data, "edited_at", JSON_OPTIONAL, &out->edited_at_us);
	time_get(record, data, "deleted_at", JSON_OPTIONAL, &out->deleted_at_us);
	extra_get(record, data, out);
	status_get(record, data, &out->status);
}

static void receipt_get(struct record *record, const struct json *data, struct receipt *out)
{
	*out = (struct receipt){ 0 };
	id_get(record, data, "user_id", JSON_REQUIRED, &out->user_id);
	int_get(record, data, "seq", 0, &out->seq);
}

static void member_get(struct record *record, const struct json *object, struct member *out)
{
	id_get(record, object, "user_id", JSON_REQUIRED, &out->user_id);
	str_get(record, object, "display_name", JSON_OPTIONAL, &out->display_name);
	str_get(record, object, "avatar_url", JSON_OPTIONAL, &out->avatar_url);
	str_get(record, object, "role", JSON_REQUIRED, &out->role);
	int_get(record, object, "last_read_seq", 0, &out->last_read_seq);
	int_get(record, object, "last_delivered_seq", 0, &out->last_delivered_seq);
}

static void members_get(struct record *record, const struct json *data, struct conversation *out)
{
	const struct json *list = json_get(data, "members");
	if (list == NULL)
		return; /* left out of a large group's */
	if (json_kind_of(list) != JSON_ARRAY) {
		wrong(record, "members");
		return;
	}
	out->nmembers = json_length(list);
	struct member *members = arena_calloc(record->arena, out->nmembers + 1, sizeof(*members));
	for (size_t i = 0; i < out->nmembers; i++)
		member_get(record, json_at(list, i), &members[i]);
	out->members = members;
}

static void conversation_get(
	struct record *record, const struct json *data, struct conversation *out)
{
	struct str kind = { NULL, 0 };
	*out = (struct conversation){ 0 };
	id_get(record, data, "id", JSON_REQUIRED, &out->id);
	str_get(record, data, "kind", JSON_REQUIRED, &kind);
	if (conversation_kind_parse(kind, &out->kind) != OK)
		wrong(record, "kind");
	str_get(record, data, "title", JSON_OPTIONAL, &out->title);
	str_get(record, data, "avatar_url", JSON_OPTIONAL, &out->avatar_url);
	str_get(record, data, "external_ref", JSON_OPTIONAL, &out->external_ref);
	id_get(record, data, "created_by", JSON_OPTIONAL, &out->created_by);
	time_get(record, data, "created_at", JSON_REQUIRED, &out->created_at_us);
	time_get(record, data, "last_activity_at", JSON_REQUIRED, &out->last_activity_at_us);
	int_get(record, data, "last_seq", 0, &out->last_seq);
	int_get(record, data, "rev", 1, &out->rev);
	int_get(record, data, "member_count", 0, &out->member_count);
	members_get(record, data, out);
}

static void data_get(struct record *record, const struct json *data, struct event *out)
{
	const struct uuid *conversation_id = &out->conversation_id;
	switch (event_infos[out->type].data) {
	case EVENT_DATA_MESSAGE:
		message_get(record, data, &out->data.message);
		conversation_id = &out->data.message.conversation_id;
		break;
	case EVENT_DATA_RECEIPT:
		receipt_get(record, data, &out->data.receipt);
		break;
	case EVENT_DATA_MEMBER:
		out->data.member = (struct member){ 0 };
		member_get(record, data, &out->data.member);
		break;
	case EVENT_DATA_CONVERSATION:
	case EVENT_DATA_COLUMNS:
		conversation_get(record, data, &out->data.conversation);
		conversation_id = &out->data.conversation.id;
		break;
	case EVENT_DATA_TYPING:
	case EVENT_DATA_REVOCATION:
	case EVENT_DATA_BAR:
	case EVENT_DATA_BLOCK:
	case EVENT_DATA_KEYS:
		break;
	}
	if (!uuid_equal(conversation_id, &out->conversation_id))
		wrong(record, "conversation_id");
}

/* What is for the plugin alone. */
static void notice_get(struct record *record, const struct json *object, struct event *out)
{
	switch (event_infos[out->type].data) {
	case EVENT_DATA_REVOCATION:
		id_get(record, object, "user_id", JSON_REQUIRED, &out->data.revocation.user_id);
		ids_get(record, object, "session_ids", &out->data.revocation.session_ids,
			&out->data.revocation.nsessions);
		time_get(record, object, "until", JSON_OPTIONAL, &out->data.revocation.until_us);
		break;
	case EVENT_DATA_BAR:
		id_get(record, object, "user_id", JSON_REQUIRED, &out->data.bar.user_id);
		break;
	case EVENT_DATA_KEYS:
		break;
	default:
		id_get(record, object, "user_id", JSON_REQUIRED, &out->data.block.user_id);
		id_get(record, object, "blocked_id", JSON_REQUIRED, &out->data.block.blocked_id);
		break;
	}
}

static void views_get(struct record *record, const struct json *object, struct event *out)
{
	const struct json *list = json_get(object, "reactors");
	if (list == NULL)
		return;
	if (json_kind_of(list) != JSON_ARRAY) {
		wrong(record, "reactors");
		return;
	}
	out->nviews = json_length(list);
	out->views = arena_calloc(record->arena, out->nviews + 1, sizeof(*out->views));
	for (size_t i = 0; i < out->nviews; i++) {
		struct event_view *view = &out->views[i];
		str_get(record, json_at(list, i), "emojis", JSON_REQUIRED, &view->mine);
		ids_get(record, json_at(list, i), "to", &view->recipients, &view->nrecipients);
	}
}

static void event_get(struct record *record, const struct json *object, struct event *out)
{
	type_get(record, object, &out->type);
	id_get(record, object, "event_id", JSON_REQUIRED, &out->event_id);
	time_get(record, object, "at", JSON_REQUIRED, &out->at_us);
	if (event_infos[out->type].topic == TOPIC__MAX) {
		notice_get(record, object, out);
		return;
	}
	id_get(record, object, "conversation_id", JSON_REQUIRED, &out->conversation_id);
	if (event_infos[out->type].data != EVENT_DATA_RECEIPT)
		int_get(record, object, "rev", 1, &out->rev);
	ids_get(record, object, "to", &out->recipients, &out->nrecipients);
	if (event_infos[out->type].data == EVENT_DATA_MESSAGE)
		views_get(record, object, out);
	data_get(record, json_get(object, "data"), out);
}

enum err event_read(struct arena *arena, struct str record, struct event *out, const char **why)
{
	char unused[JSON_WHY_BYTES];
	const struct json *object;
	struct record state = { arena, NULL };
	struct event event = { 0 };
	if (json_parse(arena, record, RECORD_DEPTH_MAX, unused, &object) != OK) {
		*why = "not JSON";
		return ERR_INVALID_INPUT;
	}
	event_get(&state, object, &event);
	if (state.why != NULL) {
		*why = state.why;
		return ERR_INVALID_INPUT;
	}
	*out = event;
	return OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void receipt_write(struct buf *buf, const struct event *event)
{
	json_write_object(buf);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &event->conversation_id);
	json_write_key(buf, "user_id");
	json_write_uuid(buf, &event->data.receipt.user_id);
	json_write_key(buf, "seq");
	json_write_int(buf, event->data.receipt.seq);
	json_write_key(buf, "at");
	json_write_time(buf, event->at_us);
	json_write_object_end(buf);
}

static void typing_write(struct buf *buf, const struct event *event)
{
	json_write_object(buf);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &event->conversation_id);
	json_write_key(buf, "user_id");
	json_write_uuid(buf, &event->data.typing.user_id);
	json_write_object_end(buf);
}

static void data_write(struct buf *buf, const struct event *event)
{
	switch (event_infos[event->type].data) {
	case EVENT_DATA_MESSAGE:
		message_write(buf, &event->data.message);
		break;
	case EVENT_DATA_RECEIPT:
		receipt_write(buf, event);
		break;
	case EVENT_DATA_MEMBER:
		member_write(buf, &event->data.member);
		break;
	case EVENT_DATA_COLUMNS:
		conversation_write_columns(buf, &event->data.conversation);
		break;
	case EVENT_DATA_CONVERSATION:
		conversation_write(buf, &event->data.conversation);
		break;
	case EVENT_DATA_TYPING:
		typing_write(buf, event);
		break;
	case EVENT_DATA_REVOCATION:
	case EVENT_DATA_BAR:
	case EVENT_DATA_BLOCK:
	case EVENT_DATA_KEYS:
		json_write_null(buf);
		break;
	}
}

void event_write(struct buf *buf, const struct event *event)
{
	json_write_object(buf);
	json_write_key(buf, "type");
	json_write_string(buf, event_infos[event->type].name);
	json_write_key(buf, "event_id");
	json_write_uuid(buf, &event->event_id);
	json_write_key(buf, "at");
	json_write_time(buf, event->at_us);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &event->conversation_id);
	if (event->rev != 0) {
		json_write_key(buf, "rev");
		json_write_int(buf, event->rev);
	}
	json_write_key(buf, "data");
	data_write(buf, event);
	json_write_object_end(buf);
}

void event_write_view(struct buf *buf, const struct event *event, const struct event_view *view)
{
	struct event seen = *event;
	seen.data.message.mine = view->mine;
	event_write(buf, &seen);
}

void event_write_sync(struct buf *buf, const char *reason)
{
	struct uuid id;
	uuid_new(&id);
	json_write_object(buf);
	json_write_key(buf, "type");
	json_write_string(buf, "sync.required");
	json_write_key(buf, "event_id");
	json_write_uuid(buf, &id);
	json_write_key(buf, "at");
	json_write_time(buf, time_now_us());
	json_write_key(buf, "data");
	json_write_object(buf);
	json_write_key(buf, "reason");
	json_write_string(buf, reason);
	json_write_object_end(buf);
	json_write_object_end(buf);
}
