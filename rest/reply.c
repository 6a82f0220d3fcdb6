/* The answer (reply.h). Called by the handlers (status) and by route.c (send). */
#include "rest/reply.h"

#include <string.h>

#include "lib/json_write.h"

void reply_status(struct request *req, int status)
{
	req->reply.status = status;
	req->reply.content_type = "application/json";
}

void reply_head(struct request *req, const char *name, const char *value)
{
	if (req->reply.nheads == REQUEST_HEADS_MAX)
		return;
	req->reply.heads[req->reply.nheads].name = name;
	req->reply.heads[req->reply.nheads].value = value;
	req->reply.nheads++;
}

void reply_head_set(struct request *req, const char *name, const char *value)
{
	for (size_t i = 0; i < req->reply.nheads; i++) {
		if (strcmp(req->reply.heads[i].name, name) == 0) {
			req->reply.heads[i].value = value;
			return;
		}
	}
	reply_head(req, name, value);
}

void reply_list_begin(struct request *req)
{
	json_write_object(req->out);
	json_write_key(req->out, "data");
	json_write_array(req->out);
}

void reply_list_end(struct request *req, const char *next)
{
	json_write_array_end(req->out);
	json_write_key(req->out, "has_more");
	json_write_bool(req->out, next != NULL);
	json_write_key(req->out, "next");
	json_write_string(req->out, next);
	json_write_object_end(req->out);
	reply_status(req, 200);
}

void reply_send(struct request *req)
{
	const struct reply *reply = &req->reply;
	const struct gateway *gateway = req->gateway;
	struct buf *head = &req->worker->head;

	head->len = 0;
	buf_printf(head, "Status: %d\r\n", reply->status);
	if (reply->status != 204)
		buf_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", reply->content_type,
			req->out->len);
	for (size_t i = 0; i < reply->nheads; i++) {
		buf_add_string(head, reply->heads[i].name);
		buf_add(head, ": ", 2);
		buf_add_string(head, reply->heads[i].value);
		buf_add(head, "\r\n", 2);
	}
	buf_add_string(head, "X-Request-Id: ");
	buf_add_string(head, req->id);
	buf_add_string(
		head, "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
	gateway->write(gateway->context, (struct str){ head->data, head->len },
		reply->status != 204 && !req->is_head
			? (struct str){ req->out->data, req->out->len }
			: STR(""));
}
