/* What a person is signed in with (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

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

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++) {
		list[i].current = uuid_equal(&list[i].id, &req->caller.session_id);
		session_write(req->out, &list[i]);
	}
	reply_list_end(req, count > limit ? cursor_write(req->arena, list[limit - 1].created_at_us,
						    &list[limit - 1].id)
					  : NULL);
	return OK;
}

enum err session_delete(struct request *req)
{
	enum err err = db_session_end(req->db, req->arena, &req->caller.user_id, &req->ids[0]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}
