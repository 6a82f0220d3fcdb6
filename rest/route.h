/*
 * The routes, and the one way through them: find the row, do what it demands, call its handler,
 * answer.
 */
#ifndef REST_ROUTE_H
#define REST_ROUTE_H

#include "lib/scope.h"
#include "lib/shm.h"
#include "rest/guard.h"
#include "rest/request.h"
#include "sql/db.h"

/* OK, with the answer in req->out and reply_status called; or what went wrong, and whatever was
 * written is dropped. */
typedef enum err (*handler_fn)(struct request *req);

/* What happens to a body. */
enum body {
	BODY_NONE,
	BODY_FILE,   /* none comes in, and a file goes out */
	BODY_STREAM, /* the handler reads it as it comes; its cap is a setting */
	BODY_OPTIONAL,
	BODY_NEEDED,
	BODY_RAW /* read, and left to the handler: it is signed as it is */
};

struct route {
	const char *method;
	const char *pattern; /* a segment "{name}" is a UUID, one "{name:text}" is whatever it is */
	handler_fn handler;
	enum guard guard;
	enum scope scope; /* what a service needs; SCOPE_NONE: it is refused */
	enum body body;
	size_t body_max; /* bytes */
	enum tx tx;
	enum rate rate;
};

/* routes.c: THE table. A literal segment stands before a pattern at the same place. */
extern const struct route routes[];
extern const size_t nroutes;

/* Answers one request: everything from the head to the last byte. */
void route_request(struct worker *worker, const struct gateway *gateway);

/* The row of method and path, with the ids of the path and the segment that is none (ptr NULL: there is no such). ERR_NOT_FOUND;
 * ERR_METHOD_NOT_ALLOWED, with the methods that there are in allow ("GET, POST"). */
enum {
	ROUTE_ALLOW_BYTES = 48
};
must_check enum err route_find(struct str method, struct str path, const struct route **out,
	struct uuid ids[REQUEST_IDS_MAX], struct str *text, char allow[ROUTE_ALLOW_BYTES]);

#endif
