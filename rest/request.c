/* One request's way in (request.h). Called by route.c and guard.c; handlers use its readers of the
 * query. */
#include "rest/request.h"

#include <stdlib.h>
#include <string.h>

#include "lib/id.h"
#include "lib/text.h"
#include "rest/dropin.h"

struct str request_header(const struct request *req, const char *name)
{
	return str_of(req->gateway->param(req->gateway->context, name));
}

/* 1 to 64 of A-Z a-z 0-9 . _ - */
static bool request_id_ok(struct str id)
{
	if (id.len == 0 || id.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

static void request_set_id(struct request *req)
{
	struct str given = request_header(req, "HTTP_X_REQUEST_ID");
	struct uuid id;

	if (request_id_ok(given)) {
		memcpy(req->id, given.ptr, given.len);
		req->id[given.len] = '\0';
	} else {
		uuid_new(&id);
		uuid_format(&id, req->id);
	}
}

/*
 * Our own path, wherever we are mounted: PATH_INFO under a CGI script, SCRIPT_NAME with PATH_INFO
 * where the web server hands over a prefix of its name space.
 */
static struct str request_path(struct request *req)
{
	struct str script = request_header(req, "SCRIPT_NAME");
	struct str info = request_header(req, "PATH_INFO");

	if (str_starts(info, STR("/api/")) || str_equal(info, STR("/health")) || dropin_has(info))
		return info;
	return str_of(arena_printf(req->arena, "%.*s%.*s", (int)script.len,
		script.ptr ? script.ptr : "", (int)info.len, info.ptr ? info.ptr : ""));
}

/* A proxy hides the client, and says who it is. Where that is said twice, one of them may be the client's own, in another
 * spelling (X_Forwarded_For): none is believed. */
static void request_set_address(struct request *req)
{
	static const char name[] = "HTTP_X_FORWARDED_FOR";
	char *client = arena_alloc(req->arena, ADDRESS_TEXT_BYTES);
	struct str forwarded = request_header(req, name);

	if (forwarded.ptr && req->gateway->param_count(req->gateway->context, name) > 1)
		forwarded = (struct str){ NULL, 0 };
	req->remote_address = request_header(req, "REMOTE_ADDR");
	req->by_proxy =
		address_of_client(&req->worker->proxies, req->remote_address, forwarded, client);
	if (req->by_proxy)
		req->remote_address = str_of(client);
}

enum err request_open(struct request *req, struct worker *worker, const struct gateway *gateway)
{
	*req = (struct request){
		.worker = worker,
		.gateway = gateway,
		.arena = worker->arena,
		.db = worker->db,
		.conf = worker->conf,
		.out = &worker->body,
	};
	request_set_id(req);
	req->method = request_header(req, "REQUEST_METHOD");
	if (!req->method.ptr)
		req->method = STR("");
	if (str_equal(req->method, STR("HEAD"))) {
		req->is_head = true;
		req->method = STR("GET");
	}
	request_set_address(req);
	req->query = request_header(req, "QUERY_STRING");
	req->path = request_path(req); /* first: a refusal is told as its address has it */
	if (gateway->params_bytes(gateway->context) > REQUEST_HEADERS_MAX)
		return ERR_HEADERS_TOO_LARGE;
	if (req->path.len > REQUEST_PATH_MAX || req->query.len > REQUEST_QUERY_MAX)
		return ERR_URI_TOO_LONG;
	if (!text_is_utf8(req->path))
		return ERR_MALFORMED;
	return OK;
}

/* application/json, with no parameter but charset=utf-8. */
static bool is_json(struct str type)
{
	const char *semicolon = type.ptr ? memchr(type.ptr, ';', type.len) : NULL;
	struct str parameter = { NULL, 0 };

	if (semicolon) {
		size_t len = (size_t)(semicolon - type.ptr);

		parameter = str_trim((struct str){ semicolon + 1, type.len - len - 1 });
		type.len = len;
	}
	return str_equal_nocase(str_trim(type), STR("application/json")) &&
	       (parameter.len == 0 || str_equal_nocase(parameter, STR("charset=utf-8")) ||
		       str_equal_nocase(parameter, STR("charset=\"utf-8\"")));
}

/* size bytes to req->document. */
static enum err bytes_read(struct request *req, size_t size, const char **why)
{
	char *bytes = arena_alloc(req->arena, size + 1);
	size_t got = 0, n;

	while (got < size &&
		(n = req->gateway->read(req->gateway->context, bytes + got, size - got)) > 0)
		got += n;
	if (got < size) {
		*why = "The body ended early.";
		return ERR_MALFORMED;
	}
	req->document = (struct str){ bytes, got };
	return OK;
}

enum err request_read_raw(struct request *req, size_t max, const char **why)
{
	struct str length = request_header(req, "CONTENT_LENGTH");
	long long size = 0;

	*why = NULL;
	if (length.len > 0 && !text_parse_int(length, 0, INT64_MAX, &size))
		return ERR_MALFORMED;
	if ((size_t)size > max)
		return ERR_TOO_LARGE;
	return bytes_read(req, (size_t)size, why);
}

enum err request_parse(struct request *req, unsigned max_depth, const char **why)
{
	char *reason = arena_alloc(req->arena, JSON_WHY_BYTES);
	enum err err = json_parse(req->arena, req->document, max_depth, reason, &req->json);

	*why = NULL;
	if (err != OK) {
		*why = reason;
		return err;
	}
	if (json_kind_of(req->json) != JSON_OBJECT) {
		*why = "The body must be a JSON object.";
		return ERR_MALFORMED;
	}
	return OK;
}

enum err request_read_body(struct request *req, size_t max, bool needed, const char **why)
{
	struct str length = request_header(req, "CONTENT_LENGTH");
	struct str encoding = request_header(req, "HTTP_CONTENT_ENCODING");
	long long size = 0;
	enum err err;

	*why = NULL;
	if (length.len > 0 && !text_parse_int(length, 0, INT64_MAX, &size))
		return ERR_MALFORMED;
	if (size == 0 && !needed)
		return OK;
	if (size == 0) {
		*why = "A body is needed.";
		return ERR_MALFORMED;
	}
	if (!is_json(request_header(req, "CONTENT_TYPE")) || encoding.len > 0)
		return ERR_UNSUPPORTED_MEDIA_TYPE;
	if ((size_t)size > max)
		return ERR_TOO_LARGE;
	err = bytes_read(req, (size_t)size, why);
	return err == OK ? request_parse(req, JSON_DEPTH_MAX, why) : err;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded to bytes on the arena; false for a bad escape or what is not
 * UTF-8. */
static bool decode(struct arena *arena, struct str raw, struct str *out)
{
	char *bytes = arena_alloc(arena, raw.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (c == '%') {
			int high = i + 2 < raw.len ? hex_value(raw.ptr[i + 1]) : -1;
			int low = high >= 0 ? hex_value(raw.ptr[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		bytes[len++] = c;
	}
	*out = (struct str){ bytes, len };
	return text_is_utf8(*out);
}

/* The next "name=value" of a query; *rest moves on. False at the end. */
static bool next_pair(struct str *rest, struct str *name, struct str *value)
{
	const char *end, *equals;
	size_t len;

	if (rest->len == 0)
		return false;
	end = memchr(rest->ptr, '&', rest->len);
	len = end ? (size_t)(end - rest->ptr) : rest->len;
	equals = memchr(rest->ptr, '=', len);
	*name = (struct str){ rest->ptr, equals ? (size_t)(equals - rest->ptr) : len };
	*value = equals ? (struct str){ equals + 1, len - name->len - 1 } : (struct str){ "", 0 };
	rest->ptr += end ? len + 1 : len;
	rest->len -= end ? len + 1 : len;
	return true;
}

enum err request_query(struct request *req, const char *name, struct str *out)
{
	struct str rest = req->query, pair_name, pair_value, decoded;
	enum err err = ERR_NOT_FOUND;

	while (next_pair(&rest, &pair_name, &pair_value)) {
		if (!decode(req->arena, pair_name, &decoded) || !str_equal(decoded, str_of(name)))
			continue;
		if (err == OK) {
			fault_add(
				&req->faults, name, "duplicate", "This parameter is given twice.");
			return ERR_INVALID_INPUT;
		}
		if (!decode(req->arena, pair_value, out)) {
			fault_add(&req->faults, name, "bad_format",
				"This parameter is not well encoded.");
			return ERR_INVALID_INPUT;
		}
		err = OK;
	}
	return err;
}

size_t request_limit(struct request *req)
{
	struct str text;
	long long limit = PAGE_DEFAULT;

	if (request_query(req, "limit", &text) == OK && !text_parse_int(text, 1, PAGE_MAX, &limit))
		fault_add(&req->faults, "limit", "out_of_range", "A whole number from 1 to 200.");
	return (size_t)limit;
}

enum err request_check(const struct request *req)
{
	return req->faults.count > 0 ? ERR_INVALID_INPUT : OK;
}
