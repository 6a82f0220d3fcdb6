/*
 * Requests, see the header.
 */
#include "tests/load/crowd/http.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
	READ_BYTES = 65536,
	KEEP_BYTES = 8192,
};

void http_drop(struct http *http)
{
	loop_drop(&http->watch);
	http->busy = http->connected = false;
	buf_free(&http->in);
	buf_free(&http->out);
}

static void http_lose(struct http *http)
{
	bool was_busy = http->busy;
	http_drop(http);
	if (was_busy)
		http->done(http, 0, (struct str){ "", 0 });
}

/* The number behind a header's name; -1 when it is not there. Names come as lighttpd writes them. */
static long header_number(struct str head, const char *name)
{
	const char *found = memmem(head.ptr, head.len, name, strlen(name));
	return found ? strtol(found + strlen(name), NULL, 10) : -1;
}

/* Takes the answer when it is whole. false: what came is none. */
static bool answer_take(struct http *http)
{
	struct str bytes = { http->in.data, http->in.len };
	const char *end = bytes.len > 0 ? memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4) : NULL;
	if (!end)
		return true;
	struct str head = { bytes.ptr, (size_t)(end - bytes.ptr) + 4 };
	long body = header_number(head, "\r\nContent-Length: ");
	long status = header_number(head, "HTTP/1.1 ");
	if (body < 0 || status < 200 || !http->busy)
		return false;
	if (bytes.len < head.len + (size_t)body)
		return true;
	bool closes = memmem(head.ptr, head.len, "\r\nConnection: close", 19) != NULL;
	struct buf answer = http->in;
	http->in = (struct buf){ 0 };
	http->busy = false;
	if (closes)
		http_drop(http);
	http->done(http, (int)status, (struct str){ answer.data + head.len, (size_t)body });
	buf_free(&answer);
	return true;
}

static bool http_read(struct http *http)
{
	buf_reserve(&http->in, READ_BYTES);
	ssize_t count =
		recv(http->watch.fd, http->in.data + http->in.len, READ_BYTES, MSG_DONTWAIT);
	if (count <= 0)
		return count < 0 && errno == EAGAIN;
	http->in.len += (size_t)count;
	return answer_take(http);
}

static bool http_write(struct http *http)
{
	size_t left = http->out.len - http->out_sent;
	if (left == 0)
		return true;
	long sent = loop_send(http->loop, &http->watch, http->out.data + http->out_sent, left);
	if (sent < 0)
		return false;
	http->out_sent += (size_t)sent;
	return true;
}

static void http_ready(struct watch *watch, uint32_t events)
{
	struct http *http = watch_owner(watch, struct http, watch);
	bool well = true;
	if (!http->connected) {
		well = http->connected = loop_connected(http->loop, watch);
		events = EPOLLOUT;
	}
	if (well && (events & EPOLLOUT))
		well = http_write(http);
	else if (well)
		well = http_read(http);
	if (!well)
		http_lose(http);
}

void http_init(struct http *http, struct loop *loop, const struct sockaddr_in *to, in_addr_t source)
{
	*http = (struct http){
		.watch = { .fd = -1, .ready = http_ready },
		.loop = loop,
		.to = *to,
		.source = source,
	};
}

void http_send(
	struct http *http, const char *method, const char *path, struct str token, struct str body)
{
	buf_reset(&http->out, KEEP_BYTES);
	http->out_sent = 0;
	buf_printf(&http->out,
		"%s %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %.*s\r\n", method,
		path, ntohs(http->to.sin_port), (int)token.len, token.ptr);
	if (body.ptr)
		buf_printf(&http->out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			body.len);
	buf_add_string(&http->out, "\r\n");
	buf_add(&http->out, body.ptr, body.len);
	http->busy = true;
	if (http->watch.fd < 0)
		loop_connect(http->loop, &http->watch, http->source, &http->to);
	else if (!http_write(http))
		loop_drop(&http->watch); /* the server has closed it meanwhile */
	if (http->watch.fd < 0)
		http_lose(http);
}
