/* Messages: history, sending, one (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/message.h"
#include "lib/time.h"
#include "rest/reply.h"
#include "sql/store/message.h"

/* Where "before" or "after" stands in a history: a seq, or a message id or time that has to be
 * looked up. */
static enum err position_read(struct request *req, const char *name, bool *given, int64_t *seq)
{
	struct message_position position;
	struct str text;
	struct uuid id = { { 0 } };
	int64_t at_us = TIME_NONE;
	long long number;
	enum err err = request_query(req, name, &text);

	*given = err == OK;
	if (err != OK) /* absent, or a fault that is noted */
		return OK;
	if (text_parse_int(text, 0, INT64_MAX, &number)) {
		/* before=0 is before everything; 0 itself says "none" further down */
		*seq = number == 0 && name[0] == 'b' ? -1 : number;
		return OK;
	}
	if (uuid_parse(text, &id) != OK && time_parse(text, &at_us) != OK) {
		fault_add(&req->faults, name, "bad_format", "A seq, a message id, or a time.");
		return OK;
	}
	err = db_message_position(
		req->db, req->arena, &req->ids[0], &req->caller.user_id, &id, at_us, &position);
	if (err != OK)
		return err;
	if (at_us != TIME_NONE)
		*seq = name[0] == 'b' ? position.at_seq : position.past_seq - 1;
	else if (position.id_seq > 0)
		*seq = position.id_seq;
	else
		fault_add(&req->faults, name, "unknown",
			"There is no such message in this conversation.");
	return OK;
}

enum err message_list(struct request *req)
{
	struct message_page page = { 0 };
	struct message *messages;
	bool has_before;
	size_t count;
	enum err err;

	page.limit = request_limit(req);
	err = position_read(req, "before", &has_before, &page.before_seq);
	if (err == OK)
		err = position_read(req, "after", &page.oldest_first, &page.after_seq);
	if (err == OK)
		err = request_check(req);
	if (err == OK)
		err = db_message_page(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&page, &messages, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < page.limit; i++)
		message_write(req->out, &messages[i]);
	reply_list_end(req, count > page.limit ? arena_printf(req->arena, "%lld",
							 (long long)messages[page.limit - 1].seq)
					       : NULL);
	return OK;
}

enum err message_create(struct request *req)
{
	struct message_limits limits = message_limits_of(req->conf);
	struct message_new new = { 0 };
	struct message message;
	bool created;
	enum err err;

	message_new_read(req->arena, req->json, req->document, &limits, &req->faults, &new);
	err = request_check(req);
	if (err != OK)
		return err;
	if (uuid_is_nil(&new.id))
		uuid_new(&new.id);
	err = db_message_send(req->db, req->arena, &req->ids[0], &req->caller.user_id, &new,
		&req->faults, &message, &created);
	if (err != OK)
		return err;
	message_write(req->out, &message);
	reply_status(req, created ? 201 : 200);
	return OK;
}

enum err message_get(struct request *req)
{
	struct message message;
	enum err err = db_message_one(
		req->db, req->arena, &req->ids[0], &req->caller.user_id, &req->ids[1], &message);

	if (err != OK)
		return err;
	message_write(req->out, &message);
	reply_status(req, 200);
	return OK;
}
