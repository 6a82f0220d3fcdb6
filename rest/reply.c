/* The answer (reply.h). Called by the handlers (status) and by route.c (send). */
#include "rest/reply.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/json_write.h"
#include "lib/log.h"
#include "lib/time.h"

enum {
	PIECE_BYTES = 65528, /* a record of FastCGI */
	/* Who takes a file more slowly holds a worker for nothing: so much for a start, and for so many bytes a second. */
	FILE_START_US = 60 * 1000000,
	FILE_BYTES_PER_MS = 16,
};

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

static void file_close(void *file)
{
	close(((struct reply_file *)file)->fd);
}

void reply_file(
	struct request *req, int status, const char *content_type, const struct reply_file *file)
{
	struct reply_file *copy = arena_alloc(req->arena, sizeof(*copy));

	*copy = *file;
	arena_defer(req->arena, file_close, copy);
	req->reply.status = status;
	req->reply.content_type = content_type;
	req->reply.file = copy;
}

uint64_t reply_bytes(const struct request *req)
{
	return req->reply.file ? req->reply.file->range.bytes : req->out->len;
}

static bool has_body(const struct reply *reply)
{
	return reply->status != 204 && reply->status != 304;
}

/* The next piece of a file; 0 when it cannot be read, or is shorter than it was. */
static size_t piece_read(const struct reply_file *file, uint64_t done, char *piece)
{
	uint64_t left = file->range.bytes - done;
	ssize_t n = pread(file->fd, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES,
		(off_t)(file->range.first + done));

	if (n <= 0)
		log_error_errno("a file cannot be read to its end", LOG_INT("bytes_left", left));
	return n > 0 ? (size_t)n : 0;
}

/* A piece at a time, as fast as it is taken. */
static void file_send(struct request *req, struct str head)
{
	const struct gateway *gateway = req->gateway;
	const struct reply_file *file = req->reply.file;
	char *piece = arena_alloc(req->arena, PIECE_BYTES);
	int64_t start_us = time_mono_us();
	uint64_t done = 0;

	while (done < file->range.bytes) {
		int64_t most_us = FILE_START_US + (int64_t)(done / FILE_BYTES_PER_MS) * 1000;
		size_t n = piece_read(file, done, piece);

		if (n == 0 || time_mono_us() - start_us > most_us ||
			!gateway->write(gateway->context, head, (struct str){ piece, n })) {
			gateway->cut(gateway->context);
			return;
		}
		head = STR("");
		done += n;
	}
}

static void head_add(struct buf *head, const char *name, const char *value)
{
	buf_add_string(head, name);
	buf_add(head, ": ", 2);
	buf_add_string(head, value);
	buf_add(head, "\r\n", 2);
}

/* A body in out, or none. Whether it arrives is nobody's to act on any more. */
static void out_send(struct request *req, struct str head)
{
	bool body = has_body(&req->reply) && !req->is_head && !req->reply.file;

	(void)req->gateway->write(req->gateway->context, head,
		body ? (struct str){ req->out->data, req->out->len } : STR(""));
}

void reply_send(struct request *req)
{
	const struct reply *reply = &req->reply;
	struct buf *head = &req->worker->head;

	head->len = 0;
	buf_printf(head, "Status: %d\r\n", reply->status);
	if (has_body(reply) && reply->content_type)
		head_add(head, "Content-Type", reply->content_type);
	if (has_body(reply))
		buf_printf(head, "Content-Length: %" PRIu64 "\r\n", reply_bytes(req));
	for (size_t i = 0; i < reply->nheads; i++)
		head_add(head, reply->heads[i].name, reply->heads[i].value);
	if (reply->file && reply->file->name)
		head_add(head, reply->file->name, reply->file->value);
	head_add(head, "X-Request-Id", req->id);
	head_add(head, "Cache-Control", reply->cache_control ? reply->cache_control : "no-store");
	buf_add_string(head, "X-Content-Type-Options: nosniff\r\n\r\n");
	if (reply->file && !reply->file->name && !req->is_head)
		file_send(req, (struct str){ head->data, head->len });
	else
		out_send(req, (struct str){ head->data, head->len });
}
