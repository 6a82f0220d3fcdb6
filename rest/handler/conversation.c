/* Conversations: the list, opening one, one, changing and deleting it, and the unread total
 * (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/json_write.h"
#include "lib/model/conversation.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/conversation.h"

enum err conversation_list(struct request *req)
{
	struct cursor cursor;
	struct conversation *list;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read(req, &cursor);
	err = request_check(req);
	if (err == OK)
		err = db_conversation_list(
			req->db, req->arena, &req->caller.user_id, &cursor, limit, &list, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		conversation_write(req->out, &list[i]);
	reply_list_end(req, count > limit
				    ? cursor_write(req->arena, list[limit - 1].last_activity_at_us,
					      &list[limit - 1].id)
				    : NULL);
	return OK;
}

static enum err conversation_reply(struct request *req, const struct uuid *id, int status)
{
	struct conversation conversation;
	enum err err =
		db_conversation_one(req->db, req->arena, id, &req->caller.user_id, &conversation);

	if (err != OK)
		return err;
	conversation_write(req->out, &conversation);
	reply_status(req, status);
	return OK;
}

enum err conversation_create(struct request *req)
{
	size_t members_max = (size_t)req->conf->group_max_members;
	struct conversation_new new = { 0 };
	struct uuid id;
	bool created;
	enum err err;

	conversation_new_read(
		req->arena, req->json, &req->caller.user_id, members_max, &req->faults, &new);
	err = request_check(req);
	if (err != OK)
		return err;
	if (new.kind == CONVERSATION_GROUP &&new.nmembers + 1 > members_max)
		return ERR_GROUP_FULL;
	err = db_conversation_create(
		req->db, req->arena, &req->caller.user_id, &new, &req->faults, &id, &created);
	if (err != OK)
		return err;
	err = conversation_reply(req, &id, created ? 201 : 200);
	/* one that was there, and of which the caller is not any more: it asks again */
	return err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err;
}

enum err conversation_get(struct request *req)
{
	return conversation_reply(req, &req->ids[0], 200);
}

enum err conversation_update(struct request *req)
{
	struct conversation_change change;
	enum err err;

	conversation_change_read(req->json, &req->faults, &change);
	err = request_check(req);
	if (err == OK)
		err = db_conversation_update(req->db, req->arena, &req->ids[0],
			&req->caller.user_id, &change, req->conf->system_messages, &req->detail);
	if (err != OK)
		return err;
	return conversation_reply(req, &req->ids[0], 200);
}

enum err conversation_delete(struct request *req)
{
	enum err err = db_conversation_delete(
		req->db, req->arena, &req->ids[0], &req->caller.user_id, &req->detail);

	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err unread_get(struct request *req)
{
	struct unread unread;
	enum err err = db_unread_total(req->db, req->arena, &req->caller.user_id, &unread);

	if (err != OK)
		return err;
	json_write_object(req->out);
	json_write_key(req->out, "unread_count");
	json_write_int(req->out, unread.unread_count);
	json_write_key(req->out, "conversations");
	json_write_int(req->out, unread.conversations);
	json_write_object_end(req->out);
	reply_status(req, 200);
	return OK;
}
