/* The other programs, asked (wire.h). Called by keys.c and doctor.c. */
#include "ops/parley/wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/time.h"

enum {
	ANSWER_MAX = 1 << 20,
	/* FastCGI 1.0 */
	FCGI_BEGIN = 1,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_HEAD_BYTES = 8,
	/* MQTT 3.1.1 */
	MQTT_CONNECT = 0x10,
	MQTT_CONNACK = 0x20,
	MQTT_DISCONNECT = 0xe0,
	MQTT_KEEPALIVE_S = 30,
	MQTT_BYTES_MAX = 8192,
};

/* ---- a connection -----------------------------------------------------------------------------
 */

static int left_ms(int64_t deadline_us)
{
	int64_t left_us = deadline_us - time_mono_us();

	return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

/* Until the connection is ready for what is asked; false: the deadline comes first. */
static bool wait_for(int fd, short events, int64_t deadline_us)
{
	struct pollfd poll_fd = { fd, events, 0 };
	int ready;

	do {
		ready = poll(&poll_fd, 1, left_ms(deadline_us));
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* Connects one address. The descriptor, or -1 with errno. */
static int address_open(const struct sockaddr *address, socklen_t len, int64_t deadline_us)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why = 0;
	socklen_t size = sizeof(why);

	if (fd < 0)
		return -1;
	if (connect(fd, address, len) == 0)
		return fd;
	if (errno != EINPROGRESS && errno != EAGAIN)
		why = errno;
	else if (!wait_for(fd, POLLOUT, deadline_us))
		why = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
		why = errno;
	if (why == 0)
		return fd;
	close(fd);
	errno = why;
	return -1;
}

static int path_open(const char *path, int64_t deadline_us)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	return address_open((struct sockaddr *)&address, sizeof(address), deadline_us);
}

static int host_open(const struct wire_place *place, int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char port[16];
	int fd = -1, status;

	snprintf(port, sizeof(port), "%d", place->port);
	status = getaddrinfo(place->host, port, &hints, &found);
	if (status != 0) {
		snprintf(why, WIRE_WHY_BYTES, "%s: %s", place->host, gai_strerror(status));
		return -1;
	}
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
		fd = address_open(at->ai_addr, at->ai_addrlen, deadline_us);
	if (fd < 0)
		snprintf(why, WIRE_WHY_BYTES, "%s port %d: %s", place->host, place->port,
			strerror(errno));
	freeaddrinfo(found);
	return fd;
}

static enum err place_open(
	const struct wire_place *place, int64_t deadline_us, int *out, char why[WIRE_WHY_BYTES])
{
	int fd;

	if (!place->path) {
		fd = host_open(place, deadline_us, why);
		if (fd < 0)
			return ERR_UNAVAILABLE;
		*out = fd;
		return OK;
	}
	fd = path_open(place->path, deadline_us);
	if (fd < 0) {
		int error = errno;

		snprintf(why, WIRE_WHY_BYTES, "%s: %s", place->path, strerror(error));
		if (error == ENOENT || error == ECONNREFUSED)
			return ERR_NOT_FOUND;
		return error == EACCES ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
	}
	*out = fd;
	return OK;
}

static enum err bytes_send(
	int fd, const void *bytes, size_t len, int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, deadline_us))
			continue;
		if (n < 0 && errno != EINTR) {
			snprintf(why, WIRE_WHY_BYTES, "%s",
				errno == EAGAIN ? "takes nothing" : strerror(errno));
			return ERR_UNAVAILABLE;
		}
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return OK;
}

/* Up to size bytes; 0: the other end has closed. */
static enum err bytes_read(int fd, void *bytes, size_t size, int64_t deadline_us, size_t *len,
	char why[WIRE_WHY_BYTES])
{
	ssize_t n;

	do {
		if (!wait_for(fd, POLLIN, deadline_us)) {
			snprintf(why, WIRE_WHY_BYTES, "no answer in time");
			return ERR_UNAVAILABLE;
		}
		n = recv(fd, bytes, size, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0) {
		snprintf(why, WIRE_WHY_BYTES, "%s", strerror(errno));
		return ERR_UNAVAILABLE;
	}
	*len = (size_t)n;
	return OK;
}

/* ---- HTTP -------------------------------------------------------------------------------------
 */

/* The line's value when it is the named field; what is left goes to *rest. */
static bool field_is(struct str *rest, const char *name, struct str *value)
{
	const char *end = memmem(rest->ptr, rest->len, "\r\n", 2);
	struct str line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };
	const char *colon = memchr(line.ptr, ':', line.len);
	size_t used = end ? line.len + 2 : line.len;

	rest->ptr += used;
	rest->len -= used;
	if (!colon || !str_equal_nocase(
			      (struct str){ line.ptr, (size_t)(colon - line.ptr) }, str_of(name)))
		return false;
	*value = str_trim((struct str){ colon + 1, line.len - (size_t)(colon + 1 - line.ptr) });
	return true;
}

struct str wire_header(const struct wire_answer *answer, const char *name)
{
	struct str rest = answer->head, value;

	while (rest.len > 0) {
		if (field_is(&rest, name, &value))
			return value;
	}
	return (struct str){ NULL, 0 };
}

/* "200 OK" */
static bool status_read(struct str text, int *out)
{
	long long status;

	if (text.len < 3 || !text_parse_int((struct str){ text.ptr, 3 }, 100, 599, &status))
		return false;
	*out = (int)status;
	return true;
}

/* The field Status, which need not be there. */
static bool answer_split_cgi(struct wire_answer *out)
{
	struct str status = wire_header(out, "Status");

	out->status = 200;
	return !status.ptr || status_read(status, &out->status);
}

/* The line "HTTP/1.1 200 OK", which the head then is without. */
static bool answer_split_http(struct wire_answer *out)
{
	const char *end = memmem(out->head.ptr, out->head.len, "\r\n", 2);
	struct str line = { out->head.ptr, end ? (size_t)(end - out->head.ptr) : out->head.len };
	const char *space = memchr(line.ptr, ' ', line.len);
	size_t used = end ? line.len + 2 : line.len;

	out->head.ptr += used;
	out->head.len -= used;
	return space &&
	       status_read((struct str){ space + 1, line.len - (size_t)(space + 1 - line.ptr) },
		       &out->status);
}

/* Splits what came: of a program that speaks CGI there is no status line. */
static bool answer_split(struct str all, bool cgi, struct wire_answer *out)
{
	const char *empty = memmem(all.ptr, all.len, "\r\n\r\n", 4);

	if (!empty)
		return false;
	out->head = (struct str){ all.ptr, (size_t)(empty - all.ptr) };
	out->body = (struct str){ empty + 4, all.len - out->head.len - 4 };
	return cgi ? answer_split_cgi(out) : answer_split_http(out);
}

/* All that comes until the other end closes; of an upgrade, and of what has a length, no more than is there. */
static bool http_whole(const struct buf *in)
{
	struct wire_answer answer;
	struct str length;
	long long bytes;

	if (!answer_split((struct str){ in->data, in->len }, false, &answer))
		return false;
	if (answer.status == 101)
		return true;
	length = wire_header(&answer, "Content-Length");
	return length.ptr && text_parse_int(length, 0, ANSWER_MAX, &bytes) &&
	       answer.body.len >= (size_t)bytes;
}

static enum err http_read(int fd, struct buf *in, int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	size_t n;

	do {
		buf_reserve(in, 4096);
		enum err err = bytes_read(fd, in->data + in->len, 4096, deadline_us, &n, why);

		if (err != OK)
			return err;
		in->len += n;
	} while (n > 0 && in->len < ANSWER_MAX && !http_whole(in));
	return OK;
}

static enum err answer_keep(struct arena *arena, const struct buf *in, bool cgi,
	struct wire_answer *out, char why[WIRE_WHY_BYTES])
{
	struct str all = { arena_strndup(arena, in->data ? in->data : "", in->len), in->len };

	if (answer_split(all, cgi, out))
		return OK;
	snprintf(why, WIRE_WHY_BYTES, "%s",
		in->len == 0 ? "it closed the connection" : "what came is no answer");
	return ERR_UNAVAILABLE;
}

enum err wire_http(struct arena *arena, const struct wire_place *place, const char *path,
	const char *headers, int64_t deadline_us, struct wire_answer *out, char why[WIRE_WHY_BYTES])
{
	struct buf request = { 0 }, in = { 0 };
	int fd;
	enum err err = place_open(place, deadline_us, &fd, why);

	if (err != OK)
		return err;
	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s%s%s:%d\r\n%s%s\r\n", path,
		strchr(place->host, ':') ? "[" : "", place->host,
		strchr(place->host, ':') ? "]" : "", place->port,
		headers[0] ? "" : "Connection: close\r\n", headers);
	err = bytes_send(fd, request.data, request.len, deadline_us, why);
	if (err == OK)
		err = http_read(fd, &in, deadline_us, why);
	if (err == OK)
		err = answer_keep(arena, &in, false, out, why);
	close(fd);
	buf_free(&request);
	buf_free(&in);
	return err;
}

/* ---- FastCGI ----------------------------------------------------------------------------------
 */

static void record_add(struct buf *out, int type, const void *content, size_t len)
{
	const unsigned char head[FCGI_HEAD_BYTES] = { 1, (unsigned char)type, 0, 1,
		(unsigned char)(len >> 8), (unsigned char)len, 0, 0 };

	buf_add(out, head, sizeof(head));
	buf_add(out, content, len);
}

static void length_add(struct buf *out, size_t len)
{
	if (len > 127) {
		buf_add_char(out, (char)(0x80 | (len >> 24)));
		buf_add_char(out, (char)(len >> 16));
		buf_add_char(out, (char)(len >> 8));
	}
	buf_add_char(out, (char)len);
}

static void param_add(struct buf *out, const char *name, const char *value)
{
	length_add(out, strlen(name));
	length_add(out, strlen(value));
	buf_add_string(out, name);
	buf_add_string(out, value);
}

/* What is in the stream's records, and whether they have come to their end. False: they are none. */
static bool records_read(const struct buf *in, struct buf *out, bool *ended)
{
	const unsigned char *at = (const unsigned char *)in->data;
	size_t left = in->len;

	out->len = 0;
	*ended = false;
	while (left >= FCGI_HEAD_BYTES && !*ended) {
		size_t content = (size_t)at[4] << 8 | at[5];
		size_t whole = FCGI_HEAD_BYTES + content + at[6];

		if (at[0] != 1)
			return false;
		if (left < whole)
			break;
		if (at[1] == FCGI_STDOUT)
			buf_add(out, at + FCGI_HEAD_BYTES, content);
		*ended = at[1] == FCGI_STDOUT && content == 0;
		at += whole;
		left -= whole;
	}
	return true;
}

static enum err records_take(
	int fd, struct buf *in, struct buf *out, int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	bool ended = false;
	size_t n = 1;

	while (!ended && n > 0 && in->len < ANSWER_MAX) {
		buf_reserve(in, 4096);
		enum err err = bytes_read(fd, in->data + in->len, 4096, deadline_us, &n, why);

		if (err != OK)
			return err;
		in->len += n;
		if (!records_read(in, out, &ended)) {
			snprintf(why, WIRE_WHY_BYTES, "it does not speak FastCGI");
			return ERR_UNAVAILABLE;
		}
	}
	return OK;
}

enum err wire_fastcgi(struct arena *arena, const struct wire_place *place, const char *path,
	const char *token, int64_t deadline_us, struct wire_answer *out, char why[WIRE_WHY_BYTES])
{
	static const unsigned char responder[8] = { 0, 1, 0 };
	struct buf params = { 0 }, request = { 0 }, in = { 0 }, text = { 0 };
	int fd;
	enum err err = place_open(place, deadline_us, &fd, why);

	if (err != OK)
		return err;
	param_add(&params, "REQUEST_METHOD", "GET");
	param_add(&params, "PATH_INFO", path);
	param_add(&params, "REQUEST_URI", path);
	param_add(&params, "SCRIPT_NAME", "");
	param_add(&params, "QUERY_STRING", "");
	param_add(&params, "SERVER_PROTOCOL", "HTTP/1.1");
	param_add(&params, "REMOTE_ADDR", "127.0.0.1");
	if (token)
		param_add(&params, "HTTP_AUTHORIZATION", arena_printf(arena, "Bearer %s", token));
	record_add(&request, FCGI_BEGIN, responder, sizeof(responder));
	record_add(&request, FCGI_PARAMS, params.data, params.len);
	record_add(&request, FCGI_PARAMS, "", 0);
	record_add(&request, FCGI_STDIN, "", 0);
	err = bytes_send(fd, request.data, request.len, deadline_us, why);
	if (err == OK)
		err = records_take(fd, &in, &text, deadline_us, why);
	if (err == OK)
		err = answer_keep(arena, &text, true, out, why);
	close(fd);
	buf_free(&params);
	buf_free(&request);
	buf_free(&in);
	buf_free(&text);
	return err;
}

/* ---- MQTT -------------------------------------------------------------------------------------
 */

static void text_add(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_add_char(out, (char)(len >> 8));
	buf_add_char(out, (char)len);
	buf_add(out, text, len);
}

static void connect_write(struct buf *out, const struct wire_login *login)
{
	struct buf rest = { 0 };
	size_t left;

	text_add(&rest, "MQTT");
	buf_add_char(&rest, 4);
	/* a clean session; user name and password */
	buf_add_char(&rest, (char)(login->name ? 0x02 | 0x80 | 0x40 : 0x02));
	buf_add_char(&rest, 0);
	buf_add_char(&rest, MQTT_KEEPALIVE_S);
	text_add(&rest, login->client_id);
	if (login->name) {
		text_add(&rest, login->name);
		text_add(&rest, login->password);
	}
	buf_add_char(out, MQTT_CONNECT);
	for (left = rest.len; left > 127; left >>= 7)
		buf_add_char(out, (char)(0x80 | (left & 0x7f)));
	buf_add_char(out, (char)left);
	buf_add(out, rest.data, rest.len);
	explicit_bzero(rest.data, rest.cap);
	buf_free(&rest);
}

/* CONNACK: its return code. */
static enum err connack_read(int fd, int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	unsigned char bytes[4];
	size_t len = 0, n;

	while (len < sizeof(bytes)) {
		enum err err =
			bytes_read(fd, bytes + len, sizeof(bytes) - len, deadline_us, &n, why);

		if (err != OK)
			return err;
		if (n == 0) {
			snprintf(why, WIRE_WHY_BYTES, "it closed the connection without a word");
			return ERR_CONFLICT;
		}
		len += n;
	}
	if (bytes[0] != MQTT_CONNACK || bytes[1] != 2) {
		snprintf(why, WIRE_WHY_BYTES, "it does not speak MQTT");
		return ERR_UNAVAILABLE;
	}
	if (bytes[3] == 0)
		return OK;
	snprintf(why, WIRE_WHY_BYTES, "it refused the login (return code %d)", bytes[3]);
	return ERR_UNAUTHORIZED;
}

enum err wire_mqtt(const struct wire_place *place, const struct wire_login *login,
	int64_t deadline_us, char why[WIRE_WHY_BYTES])
{
	static const unsigned char farewell[2] = { MQTT_DISCONNECT, 0 };
	struct buf packet = { 0 };
	int fd;
	enum err err = place_open(place, deadline_us, &fd, why);

	if (err != OK)
		return ERR_UNAVAILABLE;
	connect_write(&packet, login);
	err = bytes_send(fd, packet.data, packet.len, deadline_us, why);
	if (err == OK)
		err = connack_read(fd, deadline_us, why);
	/* it has let us in, that is all we came for */
	if (err == OK && send(fd, farewell, sizeof(farewell), MSG_NOSIGNAL) < 0)
		(void)errno;
	close(fd);
	explicit_bzero(packet.data, packet.cap);
	buf_free(&packet);
	return err;
}
