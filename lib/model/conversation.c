/*
 * Conversations: what opens one, and a conversation with its members and one's own place in it as
 * JSON. Who may be in one with whom is for the database to say.
 */
#include "lib/model/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json_write.h"
#include "lib/model/user.h"

enum {
	MEMBER_IDS_MAX = 4096
}; /* looked at in one request, whatever a group may hold */

static const char *const kind_names[CONVERSATION_KIND__MAX] = {
	[CONVERSATION_DIRECT] = "direct",
	[CONVERSATION_GROUP] = "group",
};

/* What only a group has. */
static const char *const group_fields[] = { "title", "avatar_url", "external_ref" };

const char *conversation_kind_name(enum conversation_kind kind)
{
	return kind_names[kind];
}

enum err conversation_kind_parse(struct str name, enum conversation_kind *out)
{
	for (size_t i = 0; i < CONVERSATION_KIND__MAX; i++) {
		if (str_equal(name, str_of(kind_names[i]))) {
			*out = (enum conversation_kind)i;
			return OK;
		}
	}
	return ERR_INVALID_INPUT;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool kind_read(const struct json *body, struct faults *faults, enum conversation_kind *out)
{
	struct str name;
	if (!json_read_bytes(body, "kind", JSON_REQUIRED, 0, SIZE_MAX, faults, &name))
		return false;
	if (conversation_kind_parse(name, out) != OK) {
		fault_add(faults, "kind", "bad_format", "It must be direct or group.");
		return false;
	}
	return true;
}

static void history_read(const struct json *body, struct faults *faults, bool *all)
{
	struct str name;
	*all = true;
	if (!json_read_bytes(body, "history", JSON_OPTIONAL, 0, SIZE_MAX, faults, &name))
		return;
	*all = str_equal(name, STR("all"));
	if (!*all && !str_equal(name, STR("joined")))
		fault_add(faults, "history", "bad_format", "It must be joined or all.");
}

static void external_ref_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str ref;
	if (!json_read_bytes(
		    body, "external_ref", JSON_OPTIONAL, 1, EXTERNAL_REF_MAX_BYTES, faults, &ref))
		return;
	if (text_has_control(ref))
		fault_add(faults, "external_ref", "bad_format",
			"It must not have control characters.");
	else
		*out = ref;
}

/* One element of member_ids. */
static bool member_id_read(struct arena *arena, const struct json *ids, size_t i,
	struct faults *faults, struct uuid *out)
{
	const struct json *id = json_at(ids, i);
	bool is_text = json_kind_of(id) == JSON_STRING;
	if (is_text && uuid_parse(json_str(id), out) == OK)
		return true;
	const char *field = arena_printf(arena, "member_ids[%zu]", i);
	if (is_text)
		fault_add(faults, field, "bad_format", "It must be a UUID.");
	else
		fault_add(faults, field, "bad_type", "It must be a string.");
	return false;
}

static int id_order(const void *a, const void *b)
{
	const struct uuid *left = a, *right = b;
	return memcmp(left->bytes, right->bytes, sizeof(left->bytes));
}

size_t members_unique(struct uuid *ids, size_t count, const struct uuid *caller)
{
	size_t kept = 0;
	qsort(ids, count, sizeof(*ids), id_order);
	for (size_t i = 0; i < count; i++) {
		bool repeat = kept > 0 && uuid_equal(&ids[kept - 1], &ids[i]);
		if (!repeat && !uuid_equal(&ids[i], caller))
			ids[kept++] = ids[i];
	}
	return kept;
}

static void members_read(struct arena *arena, const struct json *body, const struct uuid *caller,
	size_t members_max, struct faults *faults, struct conversation_new *out)
{
	const struct json *ids;
	size_t most = members_max > MEMBER_IDS_MAX ? members_max : MEMBER_IDS_MAX;
	if (!json_read_array(body, "member_ids", JSON_REQUIRED, most, faults, &ids))
		return;
	size_t count = json_length(ids), read = 0;
	out->member_ids = arena_calloc(arena, count + 1, sizeof(*out->member_ids));
	for (size_t i = 0; i < count && faults->count < FAULTS_MAX; i++)
		read += member_id_read(arena, ids, i, faults, &out->member_ids[read]);
	out->nmembers = members_unique(out->member_ids, read, caller);
	if (out->kind == CONVERSATION_DIRECT && count == 0)
		fault_add(faults, "member_ids", "too_short", "It must name one other person.");
	else if (out->kind == CONVERSATION_DIRECT && count > 1)
		fault_add(faults, "member_ids", "too_long", "It must name one other person.");
	else if (out->kind == CONVERSATION_DIRECT && read == 1 && out->nmembers == 0)
		fault_add(faults, "member_ids[0]", "not_allowed",
			"Nobody has a conversation with oneself.");
}

static void group_fields_refuse(const struct json *body, struct faults *faults)
{
	for (size_t i = 0; i < sizeof(group_fields) / sizeof(group_fields[0]); i++) {
		if (json_get(body, group_fields[i]) != NULL)
			fault_add(faults, group_fields[i], "not_allowed", "Only a group has it.");
	}
}

void conversation_new_read(struct arena *arena, const struct json *body, const struct uuid *caller,
	size_t members_max, struct faults *faults, struct conversation_new *out)
{
	/* Of a group there is less to refuse: what is said of a wrong kind's fields must not
	 * mislead. */
	*out = (struct conversation_new){ .kind = CONVERSATION_GROUP, .history_all = true };
	if (!json_read_top(body, faults))
		return;
	kind_read(body, faults, &out->kind);
	if (out->kind == CONVERSATION_DIRECT) {
		group_fields_refuse(body, faults);
	} else {
		json_read_name(
			body, "title", JSON_OPTIONAL, 1, TITLE_MAX_CHARS, faults, &out->title);
		json_read_url(
			body, "avatar_url", JSON_OPTIONAL, URL_MAX_BYTES, faults, &out->avatar_url);
		external_ref_read(body, faults, &out->external_ref);
	}
	history_read(body, faults, &out->history_all);
	members_read(arena, body, caller, members_max, faults, out);
}

void conversation_change_read(
	const struct json *body, struct faults *faults, struct conversation_change *out)
{
	*out = (struct conversation_change){ 0 };
	if (!json_read_top(body, faults))
		return;
	out->has_title =
		json_is_null(body, "title") || json_read_name(body, "title", JSON_OPTIONAL, 1,
						       TITLE_MAX_CHARS, faults, &out->title);
	out->has_avatar_url = json_is_null(body, "avatar_url") ||
			      json_read_url(body, "avatar_url", JSON_OPTIONAL, URL_MAX_BYTES,
				      faults, &out->avatar_url);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void members_write(struct buf *buf, const struct conversation *conversation)
{
	json_write_key(buf, "members");
	json_write_array(buf);
	for (size_t i = 0; i < conversation->nmembers; i++)
		member_write(buf, &conversation->members[i]);
	json_write_array_end(buf);
}

static void columns_write(struct buf *buf, const struct conversation *conversation)
{
	json_write_key(buf, "id");
	json_write_uuid(buf, &conversation->id);
	json_write_key(buf, "kind");
	json_write_string(buf, conversation_kind_name(conversation->kind));
	json_write_key(buf, "title");
	json_write_str(buf, conversation->title);
	json_write_key(buf, "avatar_url");
	json_write_str(buf, conversation->avatar_url);
	json_write_key(buf, "external_ref");
	json_write_str(buf, conversation->external_ref);
	json_write_key(buf, "created_by");
	json_write_uuid(buf, &conversation->created_by);
	json_write_key(buf, "created_at");
	json_write_time(buf, conversation->created_at_us);
	json_write_key(buf, "last_activity_at");
	json_write_time(buf, conversation->last_activity_at_us);
	json_write_key(buf, "last_seq");
	json_write_int(buf, conversation->last_seq);
	json_write_key(buf, "rev");
	json_write_int(buf, conversation->rev);
	json_write_key(buf, "member_count");
	json_write_int(buf, conversation->member_count);
}

void conversation_write_columns(struct buf *buf, const struct conversation *conversation)
{
	json_write_object(buf);
	columns_write(buf, conversation);
	json_write_object_end(buf);
}

void conversation_write(struct buf *buf, const struct conversation *conversation)
{
	json_write_object(buf);
	columns_write(buf, conversation);
	if (conversation->members != NULL)
		members_write(buf, conversation);
	if (conversation->me != NULL) {
		json_write_key(buf, "me");
		membership_write(buf, conversation->me);
	}
	json_write_key(buf, "last_message");
	if (conversation->last_message != NULL)
		message_write(buf, conversation->last_message);
	else
		json_write_null(buf);
	json_write_object_end(buf);
}
