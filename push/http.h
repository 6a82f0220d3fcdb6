/*
 * A small HTTP server on loopback by libmicrohttpd, in the caller's loop, for those who watch the
 * daemon. Paths come from the caller's table; anything else is 404, and a method but GET and HEAD
 * 405. Only this file sees libmicrohttpd.
 */
#ifndef PUSH_HTTP_H
#define PUSH_HTTP_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Appends the body and returns the status. ctx is http_new's. */
typedef int (*http_answer)(void *ctx, struct buf *body);

struct http_path {
	const char *path;
	const char *media_type;
	http_answer answer;
};

struct http;

/* Listens on 127.0.0.1:port. Table and ctx are borrowed. ERR_INTERNAL, logged, when the port is not
 * to be had. *out is owned by the caller. */
must_check enum err http_new(
	int port, const struct http_path *paths, size_t npaths, void *ctx, struct http **out);

/* Closes everything at once. NULL is legal. */
void http_free(struct http *http);

/* What to poll for, and when to come back at the latest: lowers *wake_us. */
void http_poll(const struct http *http, struct pollfd *fd, int64_t *wake_us, int64_t now_us);

/* Answers what has come. */
void http_run(struct http *http);

#endif
