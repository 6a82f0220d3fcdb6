/* The answer: buffered whole, sent once, with its length (a worker that dies leaves no half
 * answer). A file alone is sent piece by piece: its length tells what is missing. */
#ifndef REST_REPLY_H
#define REST_REPLY_H

#include "rest/request.h"

/* Status of an answer whose JSON the handler has written to req->out. 204 and 304 have no body. */
void reply_status(struct request *req, int status);

/* One more header; name and value are borrowed until the answer is sent. */
void reply_head(struct request *req, const char *name, const char *value);

/* The same in the place of the one of that name, where there is one. */
void reply_head_set(struct request *req, const char *name, const char *value);

/* Instead: bytes of a file are the body. file is copied, its descriptor taken over. */
void reply_file(
	struct request *req, int status, const char *content_type, const struct reply_file *file);

/* How long the body is, be it sent or not. */
uint64_t reply_bytes(const struct request *req);

/* Sends head and body. */
void reply_send(struct request *req);

/* 200 with a page of a list: {"data":[…],"has_more":…,"next":…}; the elements are written in between. next: what goes
 * back for the page behind this one, NULL when there is none. */
void reply_list_begin(struct request *req);
void reply_list_end(struct request *req, const char *next);

#endif
