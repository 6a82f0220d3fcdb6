/*
 * The drop-in routes (dropin.h): the older service's paths and bodies over the same conversations. A user sees and does what the other
 * routes let it; a service for itself reads every conversation, and opens and marks for anybody. Called by the route table and
 * error.c.
 */
#include "rest/dropin.h"

#include "lib/json_write.h"
#include "lib/model/conversation.h"
#include "lib/model/problem.h"
#include "lib/model/translation.h"
#include "rest/handler/handler.h"
#include "rest/reply.h"
#include "sql/store/conversation.h"
#include "sql/store/dropin.h"
#include "sql/store/receipt.h"

/* Integers above this are not safe in every JSON reader. */
#define NUMBER_MAX ((INT64_C(1) << 53) - 1)

enum {
	CONVERSATIONS_DEFAULT = 200,
	PARTICIPANTS_MAX = 4096 /* looked at in one request, whatever a group may hold */
};

/* --- the envelope ----------------------------------------------------------------------------- */

bool dropin_has(struct str path)
{
	return str_equal(path, STR("/messages")) || str_starts(path, STR("/messages/"));
}

static void data_begin(struct request *req)
{
	json_write_object(req->out);
	json_write_key(req->out, "success");
	json_write_bool(req->out, true);
	json_write_key(req->out, "data");
}

static enum err data_end(struct request *req, int status)
{
	json_write_object_end(req->out);
	reply_status(req, status);
	return OK;
}

/* There is one text alone: it names what is wrong with each field, too. */
void dropin_refuse(struct request *req, enum err err, enum language language)
{
	const char *detail = req->detail ? req->detail : problem_infos[err].detail;
	const char *message = translate(detail, language);

	for (size_t i = 0; i < req->faults.count; i++) {
		const struct fault *fault = &req->faults.items[i];

		message = arena_printf(req->arena, "%s %s: %s", message, fault->field,
			translate(fault->detail, language));
	}
	json_write_object(req->out);
	json_write_key(req->out, "success");
	json_write_bool(req->out, false);
	json_write_key(req->out, "message");
	json_write_string(req->out, message);
	json_write_object_end(req->out);
	reply_status(req, problem_infos[err].status);
}

/* --- callers ---------------------------------------------------------------------------------- */

/* Whose eyes: a user's, also of one for whom a service acts; NULL: those of a service for itself. */
static const struct uuid *viewer(const struct request *req)
{
	return uuid_is_nil(&req->caller.user_id) ? NULL : &req->caller.user_id;
}

/* What is not for a user is forbidden, whether it exists or not; a service is told that there is none. */
static enum err hidden(const struct request *req, enum err err)
{
	return err == ERR_NOT_FOUND && viewer(req) ? ERR_FORBIDDEN : err;
}

static bool may_be(const struct request *req, const struct uuid *user)
{
	return !viewer(req) || uuid_equal(viewer(req), user);
}

/* --- conversations ---------------------------------------------------------------------------- */

static void participants_write(struct buf *out, const struct dropin_conversation *conversation)
{
	json_write_key(out, "participants");
	json_write_array(out);
	for (size_t i = 0; i < conversation->nparticipants; i++) {
		json_write_object(out);
		json_write_key(out, "id");
		json_write_uuid(out, &conversation->participants[i].id);
		json_write_key(out, "name");
		json_write_str(out, conversation->participants[i].name);
		json_write_object_end(out);
	}
	json_write_array_end(out);
}

static void last_message_write(struct buf *out, const struct dropin_conversation *conversation)
{
	json_write_key(out, "last_message");
	if (!conversation->has_message) {
		json_write_null(out);
		return;
	}
	json_write_object(out);
	json_write_key(out, "content");
	json_write_str(out, conversation->content);
	json_write_key(out, "sender_id");
	json_write_uuid(out, &conversation->sender_id);
	json_write_object_end(out);
}

static void conversation_write_dropin(
	struct buf *out, const struct dropin_conversation *conversation)
{
	json_write_object(out);
	json_write_key(out, "id");
	json_write_uuid(out, &conversation->id);
	json_write_key(out, "request_match_id");
	json_write_str(out, conversation->external_ref);
	json_write_key(out, "last_message_at");
	json_write_time(out, conversation->last_message_at_us);
	participants_write(out, conversation);
	last_message_write(out, conversation);
	json_write_object_end(out);
}

/* A number of the query; a fault, and other, where it is none. */
static int64_t number_read(struct request *req, const char *name, long long min, long long max,
	long long other, const char *wanted)
{
	struct str text;
	long long number = other;

	if (request_query(req, name, &text) == OK && !text_parse_int(text, min, max, &number))
		fault_add(&req->faults, name, "out_of_range", wanted);
	return number;
}

static int64_t limit_read(struct request *req, long long other)
{
	return number_read(req, "limit", 1, PAGE_MAX, other, "A whole number from 1 to 200.");
}

static int64_t offset_read(struct request *req)
{
	return number_read(req, "offset", 0, NUMBER_MAX, 0, "A whole number, 0 or more.");
}

enum err dropin_list(struct request *req)
{
	int64_t limit = limit_read(req, CONVERSATIONS_DEFAULT), offset = offset_read(req);
	struct dropin_conversation *list;
	size_t count;
	enum err err = may_be(req, &req->ids[0]) ? request_check(req) : ERR_FORBIDDEN;

	if (err == OK)
		err = db_dropin_conversations(
			req->db, req->arena, &req->ids[0], limit, offset, &list, &count);
	if (err != OK)
		return err;
	data_begin(req);
	json_write_array(req->out);
	for (size_t i = 0; i < count; i++)
		conversation_write_dropin(req->out, &list[i]);
	json_write_array_end(req->out);
	return data_end(req, 200);
}

/* Text, or a whole number, which older callers' database ids may be. */
static void match_read(struct request *req, struct str *out)
{
	const struct json *id = json_get(req->json, "request_match_id");
	int64_t number;

	if (json_int(id, -NUMBER_MAX, NUMBER_MAX, &number)) {
		*out = str_of(arena_printf(req->arena, "%lld", (long long)number));
		return;
	}
	if (json_kind_of(id) != JSON_STRING && json_kind_of(id) != JSON_NULL) {
		fault_add(&req->faults, "request_match_id", "bad_type",
			"It must be a string or a whole number.");
		return;
	}
	if (json_read_bytes(req->json, "request_match_id", JSON_REQUIRED, 1, EXTERNAL_REF_MAX_BYTES,
		    &req->faults, out) &&
		text_has_control(*out))
		fault_add(&req->faults, "request_match_id", "bad_format",
			"It must not have control characters.");
}

/* The ids as they were sent, on the arena. */
static size_t participants_read(struct request *req, struct uuid **out)
{
	const struct json *list;
	size_t count;

	if (!json_read_array(req->json, "participant_ids", JSON_REQUIRED, PARTICIPANTS_MAX,
		    &req->faults, &list))
		return 0;
	count = json_length(list);
	if (count == 0)
		fault_add(&req->faults, "participant_ids", "too_short", "It is too short.");
	*out = arena_calloc(req->arena, count + 1, sizeof(**out));
	for (size_t i = 0; i < count && req->faults.count < FAULTS_MAX; i++) {
		if (uuid_parse(json_str(json_at(list, i)), &(*out)[i]) != OK)
			fault_add(&req->faults, arena_printf(req->arena, "participant_ids[%zu]", i),
				"bad_format", "It must be a UUID.");
	}
	return count;
}

/* What the store says of members is said of participants; of the first, whom a service makes the owner, the store
 * says nothing. */
static enum err faults_rename(struct request *req, enum err err, const struct uuid *owner)
{
	char id[UUID_TEXT_LEN + 1];

	for (size_t i = 0; i < req->faults.count; i++)
		req->faults.items[i].field = "participant_ids";
	if (err != ERR_UNAUTHORIZED || viewer(req))
		return err;
	uuid_format(owner, id);
	fault_add(&req->faults, "participant_ids", "unknown",
		arena_printf(req->arena, "There is no user %s.", id));
	return ERR_INVALID_INPUT;
}

static bool is_among(const struct uuid *ids, size_t count, const struct uuid *one)
{
	for (size_t i = 0; i < count; i++) {
		if (uuid_equal(&ids[i], one))
			return true;
	}
	return false;
}

enum err dropin_create(struct request *req)
{
	struct conversation_new new = { .kind = CONVERSATION_GROUP, .history_all = true };
	struct dropin_conversation conversation;
	struct uuid owner, id;
	bool created = false;
	size_t count;
	enum err err;

	match_read(req, &new.external_ref);
	count = participants_read(req, &new.member_ids);
	err = request_check(req);
	if (err != OK)
		return err;
	owner = viewer(req) ? *viewer(req) : new.member_ids[0];
	if (!is_among(new.member_ids, count, &owner)) {
		req->detail = "You must be one of participant_ids.";
		return ERR_FORBIDDEN;
	}
	new.nmembers = members_unique(new.member_ids, count, &owner);
	if (new.nmembers + 1 > (size_t)req->conf->group_max_members)
		return ERR_GROUP_FULL;
	err = db_conversation_create(
		req->db, req->arena, &owner, &new, &req->faults, &id, &created);
	if (err == ERR_CONFLICT && !viewer(req)) /* of people of whom the owner is none */
		err = db_dropin_by_ref(req->db, req->arena, new.external_ref, &id);
	else if (err == ERR_CONFLICT)
		req->detail = "This match has a conversation already, and you are not in it.";
	if (err == OK)
		err = db_dropin_conversation(req->db, req->arena, &id, viewer(req), &conversation);
	if (err != OK)
		return faults_rename(req, err, &owner);
	data_begin(req);
	conversation_write_dropin(req->out, &conversation);
	return data_end(req, created ? 201 : 200);
}

/* --- messages --------------------------------------------------------------------------------- */

static void message_write_dropin(struct buf *out, const struct dropin_message *message)
{
	json_write_object(out);
	json_write_key(out, "id");
	json_write_uuid(out, &message->id);
	json_write_key(out, "sender_id");
	json_write_uuid(out, &message->sender_id);
	json_write_key(out, "sender_name");
	json_write_str(out, message->sender_name);
	json_write_key(out, "content");
	json_write_str(out, message->content);
	json_write_key(out, "status");
	json_write_string(out, message_status_name(message->status));
	json_write_key(out, "created_at");
	json_write_time(out, message->created_at_us);
	json_write_object_end(out);
}

enum err dropin_history(struct request *req)
{
	int64_t limit = limit_read(req, PAGE_DEFAULT), offset = offset_read(req), total;
	struct dropin_message *page;
	size_t count;
	enum err err = request_check(req);

	if (err == OK)
		err = db_dropin_page(req->db, req->arena, &req->ids[0], viewer(req), limit, offset,
			&page, &count, &total);
	if (err != OK)
		return hidden(req, err);
	data_begin(req);
	json_write_object(req->out);
	json_write_key(req->out, "messages");
	json_write_array(req->out);
	for (size_t i = 0; i < count; i++)
		message_write_dropin(req->out, &page[i]);
	json_write_array_end(req->out);
	json_write_key(req->out, "total");
	json_write_int(req->out, total);
	json_write_object_end(req->out);
	return data_end(req, 200);
}

enum err dropin_read(struct request *req)
{
	struct watermarks marks;
	struct uuid user;
	enum err err;

	json_read_uuid(req->json, "user_id", JSON_REQUIRED, &req->faults, &user);
	err = request_check(req);
	if (err == OK && !may_be(req, &user))
		err = ERR_FORBIDDEN;
	if (err == OK && !viewer(req) && !req->caller.acts) {
		req->detail = "This service token lacks the scope act-as.";
		err = ERR_FORBIDDEN;
	}
	if (err == OK)
		err = db_receipt_advance(req->db, req->arena, &req->ids[0], &user, RECEIPT_READ, -1,
			&req->faults, &marks);
	if (err != OK)
		return hidden(req, err);
	data_begin(req);
	membership_write_read(req->out, marks.last_read_seq, marks.unread_count);
	return data_end(req, 200);
}
