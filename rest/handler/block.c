/* Blocks (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/block.h"

enum err block_list(struct request *req)
{
	struct cursor cursor;
	struct relation *list;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read(req, &cursor);
	err = request_check(req);
	if (err == OK)
		err = db_block_list(
			req->db, req->arena, &req->caller.user_id, &cursor, limit, &list, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		relation_write(req->out, &list[i], "blocked_at");
	reply_list_end(req, count > limit ? cursor_write(req->arena, list[limit - 1].since_us,
						    &list[limit - 1].user.id)
					  : NULL);
	return OK;
}

enum err block_put(struct request *req)
{
	enum err err;

	if (uuid_equal(&req->ids[0], &req->caller.user_id)) {
		fault_add(&req->faults, "user", "not_allowed", "That is you.");
		return ERR_INVALID_INPUT;
	}
	err = db_block_put(req->db, req->arena, &req->caller.user_id, &req->ids[0],
		req->conf->blocks_max, &req->detail);
	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err block_delete(struct request *req)
{
	enum err err = db_block_remove(req->db, req->arena, &req->caller.user_id, &req->ids[0]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}
