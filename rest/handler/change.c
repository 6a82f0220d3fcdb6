/* Messages after they were sent: edits, what they replaced, deletion (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/message.h"
#include "lib/model/message_version.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/change.h"

enum err message_edit(struct request *req)
{
	struct message_limits limits = message_limits_of(req->conf);
	struct edit_terms terms = { req->conf->edit_window_s, req->conf->message_versions };
	struct message_change change;
	struct message message;
	enum err err;

	message_change_read(req->json, req->document, &limits, &req->faults, &change);
	err = request_check(req);
	if (err == OK)
		err = db_message_edit(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&req->ids[1], &change, &terms, &req->faults, &message, &req->detail);
	if (err != OK)
		return err;
	message_write(req->out, &message);
	reply_status(req, 200);
	return OK;
}

enum err message_delete(struct request *req)
{
	enum err err = db_message_delete(
		req->db, req->arena, &req->ids[0], &req->caller.user_id, &req->ids[1]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err message_versions(struct request *req)
{
	struct message_version *versions;
	size_t limit = request_limit(req), count;
	int64_t before_rev = cursor_read_number(req);
	enum err err = request_check(req);

	if (err == OK)
		err = db_message_versions(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&req->ids[1], before_rev, limit, &versions, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		message_version_write(req->out, &versions[i]);
	reply_list_end(req,
		count > limit ? cursor_write_number(req->arena, versions[limit - 1].rev) : NULL);
	return OK;
}
