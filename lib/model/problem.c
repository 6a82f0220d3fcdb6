/*
 * The one table of what every enum err means to a client; see problem.h. Titles and details are translated by
 * translation.c.
 */
#include "lib/model/problem.h"

#include <assert.h>
#include <stddef.h>

#include "lib/json_write.h"
#include "lib/model/translation.h"

const struct problem_info problem_infos[ERR__MAX] = {
	[ERR_MALFORMED] = { 400, "malformed", "Bad Request", "The request is not well-formed." },
	[ERR_UNAUTHORIZED] = { 401, "unauthorized", "Unauthorized",
		"A valid access token is needed." },
	[ERR_TOKEN_EXPIRED] = { 401, "token_expired", "Unauthorized",
		"The access token has expired." },
	[ERR_FORBIDDEN] = { 403, "forbidden", "Forbidden", "You may not do this." },
	[ERR_BLOCKED] = { 403, "blocked", "Forbidden",
		"One of the two people has blocked the other." },
	[ERR_NOT_FOUND] = { 404, "not_found", "Not Found", "There is no such thing here." },
	[ERR_METHOD_NOT_ALLOWED] = { 405, "method_not_allowed", "Method Not Allowed",
		"This address does not take this method." },
	[ERR_NOT_ACCEPTABLE] = { 406, "not_acceptable", "Not Acceptable",
		"Only JSON can be answered here." },
	[ERR_CONFLICT] = { 409, "conflict", "Conflict", "The present state does not allow this." },
	[ERR_ID_REUSED] = { 409, "id_reused", "Conflict",
		"This id was used before with other content." },
	[ERR_GROUP_FULL] = { 409, "group_full", "Conflict",
		"The group has as many members as it may have." },
	[ERR_QUOTA_EXCEEDED] = { 409, "quota_exceeded", "Conflict",
		"You have uploaded as much as you may." },
	[ERR_PRECONDITION_FAILED] = { 412, "precondition_failed", "Precondition Failed",
		"What is here is not what If-Match names." },
	[ERR_TOO_LARGE] = { 413, "too_large", "Content Too Large",
		"The body of the request is too large." },
	[ERR_URI_TOO_LONG] = { 414, "uri_too_long", "URI Too Long",
		"The address of the request is too long." },
	[ERR_UNSUPPORTED_MEDIA_TYPE] = { 415, "unsupported_media_type", "Unsupported Media Type",
		"The body must be of the type application/json." },
	[ERR_RANGE_NOT_SATISFIABLE] = { 416, "range_not_satisfiable", "Range Not Satisfiable",
		"The file has no such bytes." },
	[ERR_INVALID_INPUT] = { 422, "invalid_input", "Unprocessable Content",
		"A field of the request is wrong." },
	[ERR_RATE_LIMITED] = { 429, "rate_limited", "Too Many Requests",
		"Too many requests; try again later." },
	[ERR_HEADERS_TOO_LARGE] = { 431, "headers_too_large", "Request Header Fields Too Large",
		"The headers of the request are too large." },
	[ERR_INTERNAL] = { 500, "internal", "Internal Server Error",
		"Something went wrong on our side." },
	[ERR_UNAVAILABLE] = { 503, "unavailable", "Service Unavailable",
		"The service is away for a moment; the same request may be sent again." },
};

static void faults_write(struct buf *buf, const struct faults *faults, enum language language)
{
	json_write_key(buf, "errors");
	json_write_array(buf);
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->items[i];
		json_write_object(buf);
		json_write_key(buf, "field");
		json_write_string(buf, fault->field);
		json_write_key(buf, "code");
		json_write_string(buf, fault->code);
		json_write_key(buf, "detail");
		json_write_string(buf, translate(fault->detail, language));
		json_write_object_end(buf);
	}
	json_write_array_end(buf);
}

void problem_write_members(struct buf *buf, enum err err, enum language language,
	const char *detail, const char *request_id, const struct faults *faults)
{
	assert(err > OK && err < ERR__MAX);
	const struct problem_info *info = &problem_infos[err];
	json_write_key(buf, "type");
	json_write_string(buf, "about:blank");
	json_write_key(buf, "title");
	json_write_string(buf, translate(info->title, language));
	json_write_key(buf, "status");
	json_write_int(buf, info->status);
	json_write_key(buf, "code");
	json_write_string(buf, info->code);
	json_write_key(buf, "detail");
	json_write_string(buf, translate(detail ? detail : info->detail, language));
	if (request_id != NULL) {
		json_write_key(buf, "request_id");
		json_write_string(buf, request_id);
	}
	if (faults != NULL && faults->count > 0)
		faults_write(buf, faults, language);
}

void problem_write(struct buf *buf, enum err err, enum language language, const char *detail,
	const char *request_id, const struct faults *faults)
{
	json_write_object(buf);
	problem_write_members(buf, err, language, detail, request_id, faults);
	json_write_object_end(buf);
}
