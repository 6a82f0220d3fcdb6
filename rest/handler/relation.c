/* Relations to other people (relation.h). */
#include "rest/handler/relation.h"

#include "rest/cursor.h"
#include "rest/reply.h"

enum err relation_list(struct request *req, relation_list_fn list, const char *since)
{
	struct cursor cursor;
	struct relation *page;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read(req, &cursor);
	err = request_check(req);
	if (err == OK)
		err = list(
			req->db, req->arena, &req->caller.user_id, &cursor, limit, &page, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		relation_write(req->out, &page[i], since);
	reply_list_end(req, count > limit ? cursor_write(req->arena, page[limit - 1].since_us,
						    &page[limit - 1].user.id)
					  : NULL);
	return OK;
}

enum err relation_put(struct request *req, relation_put_fn put, int64_t max)
{
	enum err err;

	if (uuid_equal(&req->ids[0], &req->caller.user_id)) {
		fault_add(&req->faults, "user", "not_allowed", "That is you.");
		return ERR_INVALID_INPUT;
	}
	err = put(req->db, req->arena, &req->caller.user_id, &req->ids[0], max, &req->detail);
	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err relation_delete(struct request *req, relation_remove_fn remove_relation)
{
	enum err err = remove_relation(req->db, req->arena, &req->caller.user_id, &req->ids[0]);

	if (err == OK)
		reply_status(req, 204);
	return err;
}
