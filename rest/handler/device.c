/* What a person is signed in on (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/device.h"

enum err device_list(struct request *req)
{
	struct uuid own = { { 0 } };
	struct cursor cursor;
	struct device *list;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read(req, &cursor);
	err = request_check(req);
	if (err == OK)
		err = db_device_list(
			req->db, req->arena, &req->caller.user_id, &cursor, limit, &list, &count);
	if (err != OK)
		return err;

	/* a token's device is text; one that is no id is none of these */
	if (uuid_parse(str_of(req->caller.device_id), &own) != OK)
		own = (struct uuid){ { 0 } };
	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++) {
		list[i].current = uuid_equal(&list[i].id, &own);
		device_write(req->out, &list[i]);
	}
	reply_list_end(req, count > limit ? cursor_write(req->arena, list[limit - 1].created_at_us,
						    &list[limit - 1].id)
					  : NULL);
	return OK;
}

enum err device_delete(struct request *req)
{
	enum err err = db_device_end(req->db, req->arena, &req->caller.user_id, &req->ids[0]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}
