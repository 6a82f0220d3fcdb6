/* Handing out files (sendfile.h). Called by rest/handler/download.c. */
#include "rest/sendfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rest/reply.h"

/* From the root on: the web server is elsewhere. */
static const char *path_absolute(struct arena *arena, const char *path)
{
	char *resolved = path[0] == '/' ? NULL : realpath(path, NULL);

	if (!resolved)
		return path;
	arena_defer(arena, free, resolved);
	return resolved;
}

/* lighttpd decodes it, and a blank would end it. */
static const char *path_encode(struct arena *arena, const char *path)
{
	size_t size = 3 * strlen(path) + 1, at = 0;
	char *encoded = arena_alloc(arena, size);

	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;
		bool plain = c > ' ' && c < 0x7f && c != '%';

		at += (size_t)snprintf(encoded + at, size - at, plain ? "%c" : "%%%02X", c);
	}
	encoded[at] = '\0';
	return encoded;
}

static const char *for_lighttpd(
	struct request *req, bool part, const char *key, const struct range *range)
{
	const char *dir = path_absolute(req->arena, req->conf->attachments_dir);

	(void)part;
	return arena_printf(req->arena, "%s/%s %" PRIu64 "-%" PRIu64, path_encode(req->arena, dir),
		key, range->first, range->first + range->bytes - 1);
}

/*
 * nginx looks at the conditions once more, by what it takes for the file's tag and time, and cannot be kept from it; so what comes
 * with one of these, as next to nothing does, is not for it.
 */
static const char *for_nginx(
	struct request *req, bool part, const char *key, const struct range *range)
{
	(void)range; /* it reads it for itself, and as we do */
	if (request_header(req, "HTTP_IF_MATCH").ptr ||
		request_header(req, "HTTP_IF_UNMODIFIED_SINCE").ptr)
		return NULL;
	return arena_printf(req->arena, "/attachments/%s/%s", part ? "part" : "whole", key);
}

static const struct {
	const char *name; /* of the web server, in SENDFILE_BY */
	const char *header;
	/* Its value; NULL: this one is ours to send. part: it is a 206. */
	const char *(*value)(
		struct request *req, bool part, const char *key, const struct range *range);
} servers[] = {
	{ "lighttpd", "X-Sendfile2", for_lighttpd },
	{ "nginx", "X-Accel-Redirect", for_nginx },
};

void sendfile_reply(struct request *req, int status, const char *content_type, int fd,
	const char *key, const struct range *range)
{
	struct str by = request_header(req, "SENDFILE_BY");
	struct reply_file file = { .fd = fd, .range = *range };

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]) && !req->is_head; i++) {
		if (!str_equal(by, str_of(servers[i].name)))
			continue;
		file.value = servers[i].value(req, status == 206, key, range);
		file.name = file.value ? servers[i].header : NULL;
	}
	reply_file(req, status, content_type, &file);
}
