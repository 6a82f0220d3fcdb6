/* What a person is signed in with (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/json_write.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/session.h"

enum err session_list(struct request *req)
{
	struct cursor cursor;
	struct session *list;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read(req, &cursor);
	err = request_check(req);
	if (err == OK)
		err = db_session_list(
			req->db, req->arena, &req->caller.user_id, &cursor, limit, &list, &count);
	if (err != OK)
		return err;

	json_write_object(req->out);
	json_write_key(req->out, "data");
	json_write_array(req->out);
	for (size_t i = 0; i < count && i < limit; i++) {
		list[i].current = uuid_equal(&list[i].id, &req->caller.session_id);
		session_write(req->out, &list[i]);
	}
	json_write_array_end(req->out);
	json_write_key(req->out, "has_more");
	json_write_bool(req->out, count > limit);
	json_write_key(req->out, "next");
	json_write_string(
		req->out, count > limit ? cursor_write(req->arena, list[limit - 1].created_at_us,
						  &list[limit - 1].id)
					: NULL);
	json_write_object_end(req->out);
	reply_status(req, 200);
	return OK;
}

enum err session_delete(struct request *req)
{
	enum err err = db_session_end(req->db, req->arena, &req->caller.user_id, &req->ids[0]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}
