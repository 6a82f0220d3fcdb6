/*
 * libmicrohttpd with an epoll descriptor of its own, which takes its place in poll; see the header.
 */
#include "push/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "lib/log.h"

enum {
	CONNECTIONS_MAX = 32,
	CONNECTION_BYTES = 16384,
	IDLE_MAX_S = 10,
	KEEP_BYTES = 131072,
};

struct http {
	struct MHD_Daemon *daemon;
	const struct http_path *paths;
	size_t npaths;
	void *ctx;
	int epoll_fd;
	struct buf body;
};

/* The body is copied by libmicrohttpd. */
static enum MHD_Result reply(struct MHD_Connection *connection, int status, const char *media_type,
	const char *allow, const char *body, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, media_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (allow != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result reply_text(
	struct MHD_Connection *connection, int status, const char *allow, const char *text)
{
	return reply(connection, status, "text/plain; charset=utf-8", allow, text, strlen(text));
}

static const struct http_path *path_find(const struct http *http, const char *url)
{
	for (size_t i = 0; i < http->npaths; i++) {
		if (strcmp(http->paths[i].path, url) == 0)
			return &http->paths[i];
	}
	return NULL;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_bytes,
	void **request)
{
	struct http *http = ctx;
	(void)version;
	(void)upload;
	/* called first with the head alone, then for each part of a body, then to answer */
	if (*request == NULL) {
		*request = http;
		return MHD_YES;
	}
	if (*upload_bytes > 0) {
		*upload_bytes = 0;
		return MHD_YES;
	}
	const struct http_path *path = path_find(http, url);
	if (path == NULL)
		return reply_text(connection, MHD_HTTP_NOT_FOUND, NULL, "not found\n");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, HEAD",
			"method not allowed\n");
	buf_reset(&http->body, KEEP_BYTES);
	int status = path->answer(http->ctx, &http->body);
	return reply(connection, status, path->media_type, NULL, http->body.data, http->body.len);
}

enum err http_new(
	int port, const struct http_path *paths, size_t npaths, void *ctx, struct http **out)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		fatal("out of memory");
	*http = (struct http){ .paths = paths, .npaths = npaths, .ctx = ctx };
	errno = 0;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL, (uint16_t)port, NULL, NULL, on_request, http,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_MAX_S,
		MHD_OPTION_END);
	if (http->daemon == NULL) {
		log_error_errno("cannot listen for health and metrics",
			LOG_STR("host", "127.0.0.1"), LOG_INT("port", port),
			LOG_STR("setting", "metrics_port"));
		free(http);
		return ERR_INTERNAL;
	}
	http->epoll_fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	*out = http;
	return OK;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	MHD_stop_daemon(http->daemon);
	buf_free(&http->body);
	free(http);
}

void http_poll(const struct http *http, struct pollfd *fd, int64_t *wake_us, int64_t now_us)
{
	MHD_UNSIGNED_LONG_LONG left_ms = 0;
	*fd = (struct pollfd){ .fd = http->epoll_fd, .events = POLLIN };
	if (MHD_get_timeout(http->daemon, &left_ms) != MHD_YES)
		return;
	int64_t due_us = now_us + (int64_t)left_ms * 1000;
	if (due_us < *wake_us)
		*wake_us = due_us;
}

void http_run(struct http *http)
{
	MHD_run(http->daemon);
}
