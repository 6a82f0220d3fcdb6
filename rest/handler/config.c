/* What a client has to know before it logs in (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/json_write.h"
#include "lib/model/timings.h"
#include "lib/version.h"
#include "rest/reply.h"

/* A number of the answer that never changes while a worker lives. */
struct figure {
	const char *name;
	int64_t value;
};

static void write_limits(struct buf *out, const struct figure *figures, size_t count)
{
	json_write_key(out, "limits");
	json_write_object(out);
	for (size_t i = 0; i < count; i++) {
		json_write_key(out, figures[i].name);
		json_write_int(out, figures[i].value);
	}
	json_write_object_end(out);
}

static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '.' || c == '-' || c == ':' || c == '[' || c == ']'))
			return false;
	}
	return host.len > 0;
}

/* "host" or "host:port" as the client itself asked for it, which a trusted proxy may have to tell: what reached us reaches
 * the broker, too. */
static struct str asked_origin(const struct request *req)
{
	struct str told = request_header(req, "HTTP_X_FORWARDED_HOST");
	struct str host = request_header(req, "HTTP_HOST");

	if (req->by_proxy && is_host(told))
		return told;
	return is_host(host) ? host : STR("localhost");
}

static bool asked_by_tls(const struct request *req)
{
	struct str told = request_header(req, "HTTP_X_FORWARDED_PROTO");

	if (req->by_proxy && told.len > 0)
		return str_equal_nocase(told, STR("https"));
	return str_equal_nocase(request_header(req, "HTTPS"), STR("on"));
}

/* The same without the port. */
static struct str without_port(struct str origin)
{
	size_t len = origin.len;

	while (len > 0 && origin.ptr[len - 1] >= '0' && origin.ptr[len - 1] <= '9')
		len--;
	if (len > 1 && origin.ptr[len - 1] == ':')
		origin.len = len - 1;
	return origin;
}

static void write_mqtt(struct request *req)
{
	struct str origin = asked_origin(req), host = without_port(origin);
	const char *url = req->conf->mqtt_url, *ws_url = req->conf->mqtt_ws_url;

	if (url[0] == '\0')
		url = arena_printf(req->arena, "mqtt://%.*s:%d", (int)host.len, host.ptr,
			req->conf->mqtt_port);
	if (ws_url[0] == '\0')
		ws_url = arena_printf(req->arena, "%s://%.*s/mqtt",
			asked_by_tls(req) ? "wss" : "ws", (int)origin.len, origin.ptr);
	json_write_key(req->out, "mqtt");
	json_write_object(req->out);
	json_write_key(req->out, "url");
	json_write_string(req->out, url);
	json_write_key(req->out, "ws_url");
	json_write_string(req->out, ws_url);
	json_write_object_end(req->out);
}

enum err config_get(struct request *req)
{
	const struct figure limits[] = {
		{ "body_bytes", req->conf->body_max_bytes },
		{ "ciphertext_bytes", req->conf->ciphertext_max_bytes },
		{ "metadata_bytes", req->conf->metadata_max_bytes },
		{ "attachment_bytes", req->conf->attachment_max_bytes },
		{ "group_max_members", req->conf->group_max_members },
		{ "page_max", PAGE_MAX },
	};

	json_write_object(req->out);
	json_write_key(req->out, "version");
	json_write_string(req->out, PARLEY_VERSION);
	json_write_key(req->out, "timings");
	timings_write(req->out);
	write_limits(req->out, limits, sizeof(limits) / sizeof(limits[0]));
	write_mqtt(req);
	json_write_object_end(req->out);
	reply_status(req, 200);
	return OK;
}
