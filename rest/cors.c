/*
 * Calls from pages of other origins (cors.h). Tokens travel in Authorization, which no browser adds by itself, so credentials
 * are never allowed: a page can do no more than what it holds a token for. Called by route.c.
 */
#include "rest/cors.h"

#include "lib/origin.h"
#include "rest/reply.h"

/* seconds; browsers keep it for two hours at most */
#define MAX_AGE "7200"

static bool is_listed(const struct request *req, struct str origin)
{
	return origin.len > 0 && origins_have(str_of(req->conf->cors_origins), origin);
}

void cors_answer(struct request *req)
{
	struct str origin = request_header(req, "HTTP_ORIGIN");

	if (req->conf->cors_origins[0] == '\0')
		return;
	reply_head(req, "Vary", "Origin");
	if (!is_listed(req, origin))
		return;
	reply_head(req, "Access-Control-Allow-Origin",
		arena_strndup(req->arena, origin.ptr, origin.len));
	reply_head(req, "Access-Control-Expose-Headers",
		"Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Location, "
		"RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
		"X-Request-Id");
}

void cors_preflight(struct request *req, const char *allow)
{
	if (!is_listed(req, request_header(req, "HTTP_ORIGIN")) ||
		request_header(req, "HTTP_ACCESS_CONTROL_REQUEST_METHOD").len == 0)
		return;
	reply_head(req, "Access-Control-Allow-Methods", allow);
	reply_head(req, "Access-Control-Allow-Headers",
		"Authorization, Content-Disposition, Content-Type, If-Match, If-None-Match, "
		"If-Range, "
		"Parley-Act-As, Range, X-Request-Id");
	reply_head(req, "Access-Control-Max-Age", MAX_AGE);
}
