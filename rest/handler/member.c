/* Members of a conversation: adding, roles, removing, leaving; and one's own view of it
 * (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/member.h"
#include "rest/reply.h"
#include "sql/store/conversation.h"
#include "sql/store/member.h"

/* Nothing but the status, or what went wrong. */
static enum err member_reply(struct request *req, enum err err)
{
	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err member_put(struct request *req)
{
	struct str role;
	enum err err;

	member_role_read(req->json, &req->faults, &role);
	err = request_check(req);
	if (err == OK)
		err = db_member_put(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&req->ids[1], role, req->conf->group_max_members,
			req->conf->system_messages, &req->detail);
	return member_reply(req, err);
}

enum err member_remove(struct request *req)
{
	return member_reply(
		req, db_member_remove(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			     &req->ids[1], req->conf->system_messages, &req->detail));
}

enum err membership_update(struct request *req)
{
	struct membership_change change;
	struct membership *me;
	enum err err;

	membership_change_read(req->json, &req->faults, &change);
	err = request_check(req);
	if (err == OK)
		err = db_membership_update(
			req->db, req->arena, &req->ids[0], &req->caller.user_id, &change, &me);
	if (err != OK)
		return err;
	membership_write(req->out, me);
	reply_status(req, 200);
	return OK;
}
