/* Catching up (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/sync.h"
#include "lib/time.h"
#include "rest/reply.h"
#include "sql/store/sync.h"

/* Was a cursor given? One that is none is noted in faults. */
static bool since_read(struct request *req, struct sync_cursor *out)
{
	struct str text;

	if (request_query(req, "since", &text) != OK)
		return false;
	if (sync_cursor_read(text, out) != OK)
		fault_add(&req->faults, "since", "bad_format", "Not a cursor of GET /sync.");
	return true;
}

enum err sync_get(struct request *req)
{
	struct sync_cursor since;
	struct sync_ask ask = {
		.since = since_read(req, &since) ? &since : NULL,
		.now_s = time_now_us() / 1000000,
		.ttl_s = req->conf->sync_cursor_ttl_s,
		.limit = request_limit(req),
	};
	struct sync sync;
	enum err err = request_check(req);

	if (err == OK)
		err = db_sync(req->db, req->arena, &req->caller.user_id, &ask, &sync);
	if (err != OK)
		return err;
	sync_write(req->out, &sync);
	reply_status(req, 200);
	return OK;
}
