/*
 * HTTP/1.1 over one connection that is kept: one request at a time, whole answers with a Content-Length, as Parley's are.
 */
#ifndef TESTS_LOAD_CROWD_HTTP_H
#define TESTS_LOAD_CROWD_HTTP_H

#include "lib/buf.h"
#include "lib/text.h"
#include "tests/load/crowd/loop.h"

struct http {
	struct watch watch;
	struct loop *loop;
	struct sockaddr_in to;
	in_addr_t source;
	bool busy; /* a request is under way */
	bool connected;
	size_t out_sent; /* of out */
	struct buf out;
	struct buf in;
	/* Once for each request. status 0: the connection was lost before the answer. body: borrowed until it returns. */
	void (*done)(struct http *http, int status, struct str body);
};

void http_init(
	struct http *http, struct loop *loop, const struct sockaddr_in *to, in_addr_t source);

/* Sends a request; it must not be busy. body.ptr NULL: none. Connects when it has to. */
void http_send(
	struct http *http, const char *method, const char *path, struct str token, struct str body);

/* Ends the connection; done of what is under way is not called. */
void http_drop(struct http *http);

#endif
