/* Can this instance serve? (web/api/openapi.yaml) */
#include "rest/handler/handler.h"

#include "lib/json_write.h"
#include "lib/version.h"
#include "rest/reply.h"
#include "sql/store/health.h"

enum err health_get(struct request *req)
{
	bool well = db_health_check(req->db, req->arena) == OK;

	json_write_object(req->out);
	json_write_key(req->out, "status");
	json_write_string(req->out, well ? "ok" : "unavailable");
	json_write_key(req->out, "version");
	json_write_string(req->out, PARLEY_VERSION);
	json_write_key(req->out, "database");
	json_write_string(req->out, well ? "ok" : "unavailable");
	json_write_object_end(req->out);
	reply_status(req, well ? 200 : 503);
	if (!well)
		reply_head(req, "Retry-After", "1");
	return OK;
}
