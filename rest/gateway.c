/* FastCGI and plain CGI (gateway.h). Called by main.c. */
#include "rest/gateway.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of one record: what two bytes can count, in whole eights. */
enum {
	RECORD_BYTES_MAX = 65528,
	WRITE_TIMEOUT_S = 60
};

static size_t environment_bytes(char *const *environment)
{
	size_t bytes = 0;

	for (; *environment; environment++)
		bytes += strlen(*environment) + 1;
	return bytes;
}

/* How many of the variables have this name. */
static size_t environment_count(char *const *environment, const char *name)
{
	size_t len = strlen(name), count = 0;

	for (; *environment; environment++) {
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			count++;
	}
	return count;
}

/* ---- FastCGI ----------------------------------------------------------------------------------
 */

static const char *fcgi_param(void *context, const char *name)
{
	struct FCGX_Request *request = context;

	return FCGX_GetParam(name, request->envp);
}

static size_t fcgi_params_bytes(void *context)
{
	struct FCGX_Request *request = context;

	return environment_bytes(request->envp);
}

static size_t fcgi_param_count(void *context, const char *name)
{
	struct FCGX_Request *request = context;

	return environment_count(request->envp, name);
}

static size_t fcgi_read(void *context, char *bytes, size_t size)
{
	struct FCGX_Request *request = context;
	int n = FCGX_GetStr(bytes, (int)size, request->in);

	return n > 0 ? (size_t)n : 0;
}

/* All of the parts, whatever a signal or a full socket makes of it. False when the front is gone. */
static bool write_all(int fd, struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t n = writev(fd, parts, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		while (count > 0 && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return true;
}

/* The first max bytes of text, which loses them. */
static struct iovec part_take(struct str *text, size_t max)
{
	size_t len = text->len < max ? text->len : max;
	struct iovec part = { (void *)(uintptr_t)text->ptr, len };

	text->ptr += len;
	text->len -= len;
	return part;
}

/*
 * As FastCGI records of our own: libfcgi's stream writes 8 kB at a time, and each write wakes the front. The end of the
 * stream and of the request are libfcgi's, in FCGX_Finish_r. A client that went away is no fault of ours, and its
 * request is done.
 */
static bool fcgi_write(void *context, struct str head, struct str body)
{
	const struct FCGX_Request *request = context;

	while (head.len + body.len > 0) {
		struct iovec parts[3];
		FCGI_Header header = { .version = FCGI_VERSION_1, .type = FCGI_STDOUT };
		size_t len;

		parts[0] = (struct iovec){ &header, sizeof(header) };
		parts[1] = part_take(&head, RECORD_BYTES_MAX);
		parts[2] = part_take(&body, RECORD_BYTES_MAX - parts[1].iov_len);
		len = parts[1].iov_len + parts[2].iov_len;
		header.requestIdB1 = (unsigned char)(request->requestId >> 8);
		header.requestIdB0 = (unsigned char)request->requestId;
		header.contentLengthB1 = (unsigned char)(len >> 8);
		header.contentLengthB0 = (unsigned char)len;
		if (!write_all(request->ipcFd, parts, 3))
			return false;
	}
	return true;
}

/* Without the end of the request, which libfcgi would send: the front sees that something is missing. */
static void fcgi_cut(void *context)
{
	const struct FCGX_Request *request = context;

	shutdown(request->ipcFd, SHUT_RDWR);
}

void gateway_fcgi(struct gateway *gateway, struct FCGX_Request *request)
{
	static const struct timeval patience = { .tv_sec = WRITE_TIMEOUT_S };

	/* for a front that stalls and stays */
	setsockopt(request->ipcFd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	*gateway = (struct gateway){ request, fcgi_param, fcgi_params_bytes, fcgi_read, fcgi_write,
		fcgi_param_count, fcgi_cut };
}

/* ---- plain CGI --------------------------------------------------------------------------------
 */

static const char *cgi_param(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

static size_t cgi_params_bytes(void *context)
{
	(void)context;
	return environment_bytes(environ);
}

static size_t cgi_param_count(void *context, const char *name)
{
	(void)context;
	return environment_count(environ, name);
}

static size_t cgi_read(void *context, char *bytes, size_t size)
{
	(void)context;
	return fread(bytes, 1, size, stdin);
}

/* main() looks at the stream's state at the end */
static bool cgi_write(void *context, struct str head, struct str body)
{
	(void)context;
	return (head.len == 0 || fwrite(head.ptr, 1, head.len, stdout) == head.len) &&
	       (body.len == 0 || fwrite(body.ptr, 1, body.len, stdout) == body.len);
}

/* The end of the output tells, and the length that it does not have. */
static void cgi_cut(void *context)
{
	(void)context;
}

void gateway_cgi(struct gateway *gateway)
{
	*gateway = (struct gateway){ NULL, cgi_param, cgi_params_bytes, cgi_read, cgi_write,
		cgi_param_count, cgi_cut };
}
