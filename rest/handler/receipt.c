/* Watermarks, read and delivered, and what they say of a message (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/conversation.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/receipt.h"

/* Integers above this are not safe in every JSON reader. */
#define SEQ_MAX ((INT64_C(1) << 53) - 1)

static enum err watermark_advance(
	struct request *req, enum receipt_kind kind, struct watermarks *out)
{
	int64_t seq = -1;
	enum err err;

	if (req->json)
		json_read_int(req->json, "seq", JSON_OPTIONAL, 0, SEQ_MAX, &req->faults, &seq);
	err = request_check(req);
	if (err != OK)
		return err;
	return db_receipt_advance(req->db, req->arena, &req->ids[0], &req->caller.user_id, kind,
		seq, &req->faults, out);
}

enum err receipt_read(struct request *req)
{
	struct watermarks marks;
	enum err err = watermark_advance(req, RECEIPT_READ, &marks);

	if (err != OK)
		return err;
	membership_write_read(req->out, marks.last_read_seq, marks.unread_count);
	reply_status(req, 200);
	return OK;
}

enum err receipt_delivered(struct request *req)
{
	struct watermarks marks;
	enum err err = watermark_advance(req, RECEIPT_DELIVERED, &marks);

	if (err != OK)
		return err;
	membership_write_delivered(req->out, marks.last_delivered_seq);
	reply_status(req, 200);
	return OK;
}

enum err receipt_list(struct request *req)
{
	struct uuid after;
	struct recipient *page;
	size_t limit = request_limit(req), count;
	enum err err;

	cursor_read_id(req, &after);
	err = request_check(req);
	if (err == OK)
		err = db_receipt_list(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&req->ids[1], &after, limit, &page, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < limit; i++)
		recipient_write(req->out, &page[i]);
	reply_list_end(
		req, count > limit ? cursor_write_id(req->arena, &page[limit - 1].user_id) : NULL);
	return OK;
}
