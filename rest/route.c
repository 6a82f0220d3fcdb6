/* The way of a request through its row (route.h). Called by main.c. */
#include "rest/route.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "lib/time.h"
#include "rest/cors.h"
#include "rest/error.h"
#include "rest/reply.h"

/* An answer larger than this gives its memory back afterwards. */
enum {
	BODY_KEEP_BYTES = 128 * 1024
};

/* What stands in the path where the pattern has braces. */
struct found {
	struct uuid ids[REQUEST_IDS_MAX];
	size_t nids;
	struct str text;
};

/* Takes the segment of "{name}" or "{name:text}" off the path. */
static bool brace_fits(struct str brace, struct str *path, struct found *found)
{
	size_t len = UUID_TEXT_LEN;

	if (memchr(brace.ptr, ':', brace.len)) {
		const char *end = path->len > 0 ? memchr(path->ptr, '/', path->len) : NULL;

		len = end ? (size_t)(end - path->ptr) : path->len;
		if (len == 0)
			return false;
		found->text = (struct str){ path->ptr, len };
	} else if (path->len < len || found->nids == REQUEST_IDS_MAX ||
		   uuid_parse((struct str){ path->ptr, len }, &found->ids[found->nids++]) != OK) {
		return false;
	}
	path->ptr += len;
	path->len -= len;
	return true;
}

/* Does path fit the pattern? */
static bool pattern_fits(const char *pattern, struct str path, struct found *found)
{
	*found = (struct found){ 0 };
	while (*pattern != '\0') {
		size_t len = *pattern == '{' ? strcspn(pattern, "}") + 1 : 1;

		if (*pattern == '{') {
			if (!brace_fits((struct str){ pattern, len }, &path, found))
				return false;
		} else {
			if (path.len == 0 || *path.ptr != *pattern)
				return false;
			path.ptr++;
			path.len--;
		}
		pattern += len;
	}
	return path.len == 0;
}

enum err route_find(struct str method, struct str path, const struct route **out,
	struct uuid ids[REQUEST_IDS_MAX], struct str *text, char allow[ROUTE_ALLOW_BYTES])
{
	struct found found;
	size_t allowed = 0;

	for (size_t i = 0; i < nroutes; i++) {
		if (!pattern_fits(routes[i].pattern, path, &found))
			continue;
		if (str_equal(method, str_of(routes[i].method))) {
			memcpy(ids, found.ids, sizeof(found.ids));
			*text = found.text;
			*out = &routes[i];
			return OK;
		}
		/* /users/me and /users/{user} differ, so only rows of one pattern come here
		 * together */
		allowed += (size_t)snprintf(allow + allowed, ROUTE_ALLOW_BYTES - allowed, "%s%s",
			allowed > 0 ? ", " : "", routes[i].method);
	}
	return allowed > 0 ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}

static enum err options_reply(struct request *req)
{
	reply_status(req, 204);
	return OK;
}

/* Every address answers OPTIONS, so it has no row in the table. */
static const struct route route_options = { "OPTIONS", "*", options_reply, GUARD_NONE, SCOPE_NONE,
	BODY_NONE, 0, TX_NONE, RATE_NONE };

/* Everything that the row demands before its handler. */
static enum err route_prepare(struct request *req)
{
	const struct route *route;
	char found[ROUTE_ALLOW_BYTES] = "";
	enum err err = route_find(req->method, req->path, &route, req->ids, &req->text, found);

	if (err == ERR_METHOD_NOT_ALLOWED) {
		const char *allow = arena_strndup(req->arena, found, strlen(found));

		reply_head(req, "Allow", allow);
		if (!str_equal(req->method, STR("OPTIONS")))
			return err;
		cors_preflight(req, allow);
		req->route = &route_options;
		return OK;
	}
	if (err != OK)
		return err;
	req->route = route;
	if (route->body != BODY_FILE) /* of whichever type it is */
		err = guard_accept(req);
	if (err == OK)
		err = guard_caller(req, route->guard);
	if (req->caller.kind == CALLER_USER)
		db_caller(req->db, &req->caller.session_id, &req->caller.user_id);
	if (err == OK)
		err = guard_rate(req, route->rate);
	if (err == OK && route->body == BODY_RAW)
		err = request_read_raw(req, route->body_max, &req->detail);
	else if (err == OK && route->body > BODY_STREAM)
		err = request_read_body(
			req, route->body_max, route->body == BODY_NEEDED, &req->detail);
	return err;
}

/* The handler inside its transaction. */
static enum err route_handle(struct request *req)
{
	enum err err = db_begin(req->db, req->route->tx);
	size_t nheads = req->reply.nheads;

	if (err == OK)
		err = req->route->handler(req);
	if (err != OK) {
		db_rollback(req->db);
		return err;
	}
	err = db_caller_check(req->db, req->arena);
	if (err == OK)
		err = db_commit(req->db);
	else
		db_rollback(req->db);
	if (err != OK) /* what was to be answered is not, nor what it was headed by */
		req->reply.nheads = nheads;
	return err;
}

/* What a refused request is told: whose session has ended learns that, and nothing of what else is wrong. A flood is
 * turned away without asking the database. */
static enum err route_refusal(struct request *req, enum err err)
{
	enum err gone = OK;

	if (err != ERR_RATE_LIMITED && err != ERR_UNAVAILABLE && err != ERR_INTERNAL)
		gone = db_caller_check(req->db, req->arena);
	if (gone != OK) {
		req->detail = NULL;
		err = gone;
	}
	if (err == ERR_UNAUTHORIZED)
		req->faults.count = 0;
	return err;
}

static void route_log(const struct request *req, int64_t duration_us)
{
	char user[UUID_TEXT_LEN + 1] = "", service[UUID_TEXT_LEN + 1] = "";

	if (!uuid_is_nil(&req->caller.user_id))
		uuid_format(&req->caller.user_id, user);
	if (req->caller.kind == CALLER_SERVICE)
		uuid_format(&req->caller.service_id, service);
	log_info("request",
		LOG_STR("method", req->is_head ? "HEAD"
				  : req->route ? req->route->method
					       : ""),
		LOG_STR("route", req->route ? req->route->pattern : ""), LOG_STR("user_id", user),
		LOG_STR("service_id", service),
		LOG_STR("refused", req->refused ? req->refused : ""),
		LOG_INT("status", req->reply.status), LOG_INT("bytes", reply_bytes(req)),
		LOG_INT("duration_us", duration_us));
}

static void route_count(const struct request *req, int64_t duration_us)
{
	struct shm_route *row =
		req->route ? shm_route_of(req->worker->shm, req->route->method, req->route->pattern)
			   : shm_route_of(req->worker->shm, "-", "unknown");

	if (row)
		shm_route_count(row, req->reply.status, duration_us);
}

void route_request(struct worker *worker, const struct gateway *gateway)
{
	struct request req;
	int64_t start_us = time_mono_us(), duration_us;
	enum err err = request_open(&req, worker, gateway);

	log_set_request_id(req.id);
	cors_answer(&req);
	if (err == OK)
		err = route_prepare(&req);
	if (err == OK)
		err = route_handle(&req);
	if (err != OK)
		error_reply(&req, route_refusal(&req, err));
	reply_send(&req);
	worker->audit_status = req.reply.status;

	duration_us = time_mono_us() - start_us;
	route_count(&req, duration_us);
	if (req.conf->access_log)
		route_log(&req, duration_us);
	log_set_request_id(NULL);
	db_caller(worker->db, NULL, NULL);
	buf_reset(&worker->body, BODY_KEEP_BYTES);
	arena_reset(worker->arena);
}
