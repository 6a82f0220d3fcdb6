/* People (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/user.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/user.h"

/* A token of somebody whose account is gone is no token. */
static enum err own_reply(struct request *req, enum err err, const struct user *user)
{
	if (err != OK)
		return err == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : err;
	user_write(req->out, user, true);
	reply_status(req, 200);
	return OK;
}

enum err user_own(struct request *req)
{
	struct user user;
	enum err err = db_user_own(req->db, req->arena, &req->caller.user_id, &user);

	return own_reply(req, err, &user);
}

enum err user_update(struct request *req)
{
	struct user_change change = { 0 };
	struct user user;
	enum err err;

	user_change_read(req->json, req->document, &req->faults, &change);
	err = request_check(req);
	if (err != OK)
		return err;
	err = db_user_update(req->db, req->arena, &req->caller.user_id, &change, &user);
	return own_reply(req, err, &user);
}

enum err user_delete(struct request *req)
{
	enum err err = db_user_erase(req->db, req->arena, &req->caller.user_id,
		req->conf->erase_messages, req->conf->system_messages);

	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err user_profile(struct request *req)
{
	struct user user;
	enum err err = db_user_profile(req->db, req->arena, &req->ids[0], &user);

	if (err != OK)
		return err;
	user_write(req->out, &user, false);
	reply_status(req, 200);
	return OK;
}

enum err user_search(struct request *req)
{
	struct name_cursor cursor, *places;
	struct user *list;
	struct str text = { NULL, 0 };
	size_t limit = request_limit(req), count;
	enum err err = request_query(req, "q", &text);

	/* what is there and cannot be read is noted already */
	if (err != ERR_INVALID_INPUT && user_search_read(text, &req->faults))
		cursor_read_name(req, text, &cursor);
	err = request_check(req);
	if (err == OK)
		err = db_user_search(
			req->db, req->arena, text, &cursor, limit, &list, &places, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		user_write(req->out, &list[i], false);
	reply_list_end(req,
		count > limit ? cursor_write_name(req->arena, text, &places[limit - 1]) : NULL);
	return OK;
}
