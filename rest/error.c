/*
 * What went wrong, as an answer (error.h). The table of statuses, codes and texts is
 * lib/model/problem.c, which commands over MQTT share; here are the headers that HTTP adds. Called
 * by route.c.
 */
#include "rest/error.h"

#include "lib/model/problem.h"
#include "rest/dropin.h"
#include "rest/reply.h"

/* Headers of a refusal, beside those that guard and router have added themselves. */
static const struct {
	enum err err;
	const char *name;
	const char *value;
} error_heads[] = {
	{ ERR_UNAUTHORIZED, "WWW-Authenticate", "Bearer realm=\"parley\"" },
	{ ERR_TOKEN_EXPIRED, "WWW-Authenticate",
		"Bearer realm=\"parley\", error=\"invalid_token\", error_description=\"expired\"" },
	{ ERR_UNAVAILABLE, "Retry-After", "1" },
};

void error_reply(struct request *req, enum err err)
{
	enum language language = language_choose(request_header(req, "HTTP_ACCEPT_LANGUAGE"));

	req->reply.status = problem_infos[err].status;
	req->reply.content_type = "application/problem+json";
	req->reply.cache_control = NULL;
	req->reply.file = NULL;
	req->out->len = 0;
	if (dropin_has(req->path))
		dropin_refuse(req, err, language);
	else
		problem_write(req->out, err, language, req->detail, req->id, &req->faults);
	reply_head(req, "Content-Language", language_tags[language]);
	reply_head(req, "Vary", "Accept-Language");
	for (size_t i = 0; i < sizeof(error_heads) / sizeof(error_heads[0]); i++) {
		if (error_heads[i].err == err)
			reply_head(req, error_heads[i].name, error_heads[i].value);
	}
}
