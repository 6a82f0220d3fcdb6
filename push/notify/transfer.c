/* Transfers over libcurl (transfer.h). Called by main.c, smtp.c, jwks.c and sweep.c. */
#include "push/notify/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/notify/wire.h"

enum {
	GRACE_MS =
		2000, /* beyond its limit, until a process that does not end by itself is ended */
	READ_BYTES = 16384,
};

struct transfers {
	const struct conf *conf;
	struct transfer *first;
	size_t count;
};

struct transfers *transfers_new(const struct conf *conf)
{
	struct transfers *transfers = calloc(1, sizeof(*transfers));
	if (!transfers)
		fatal("out of memory");
	transfers->conf = conf;
	return transfers;
}

void transfers_free(struct transfers *transfers)
{
	free(transfers);
}

/* --- in the process of a transfer --------------------------------------------------------------
 */

/* What the other end sends, up to a limit. */
struct body {
	struct buf buf;
	size_t max;
};

static size_t body_take(char *bytes, size_t size, size_t count, void *ctx)
{
	struct body *body = ctx;
	size_t len = size * count;
	if (body->max == 0)
		return len; /* nobody wants it */
	if (len > body->max - body->buf.len)
		return 0; /* and libcurl gives up */
	buf_add(&body->buf, bytes, len);
	return len;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len > 0) {
		ssize_t written = write(fd, at, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return; /* nobody listens any more */
		at += written;
		len -= (size_t)written;
	}
}

static void curl_perform(const struct conf *conf, struct transfer *transfer,
	struct transfer_result *result, struct body *body)
{
	CURL *easy = curl_easy_init();
	if (!easy)
		_exit(1);
	wire_set(easy, transfer->url, transfer->protocols, conf->tls_ca, transfer->limit_ms);
	WIRE_SET(easy, CURLOPT_ERRORBUFFER, result->reason);
	WIRE_SET(easy, CURLOPT_WRITEFUNCTION, body_take);
	WIRE_SET(easy, CURLOPT_WRITEDATA, body);
	if (!transfer->prepare(transfer, easy))
		return;
	result->code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &result->answer);
}

/* The whole of it; the result and the body go to fd. */
static _Noreturn void transfer_perform(
	const struct conf *conf, struct transfer *transfer, pid_t parent, int fd)
{
	struct transfer_result result = { .code = CURLE_FAILED_INIT };
	struct body body = { .max = transfer->body_max };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before that took hold */
		_exit(1);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		_exit(1);
	if (transfer->work)
		result.code = transfer->work(transfer, &body.buf);
	else
		curl_perform(conf, transfer, &result, &body);
	if (result.code != CURLE_OK && result.reason[0] == '\0')
		strncpy(result.reason, curl_easy_strerror(result.code), sizeof(result.reason) - 1);
	write_all(fd, &result, sizeof(result));
	write_all(fd, body.buf.data, body.buf.len);
	_exit(0);
}

/* --- around it ---------------------------------------------------------------------------------
 */

bool transfer_start(struct transfers *transfers, struct transfer *transfer)
{
	int fds[2];
	pid_t self = getpid();
	if (transfers->count == TRANSFERS_MAX) {
		log_warn("too many transfers at once");
		return false;
	}
	if (pipe2(fds, O_CLOEXEC) != 0) {
		log_error_errno("a transfer cannot be started");
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		transfer_perform(transfers->conf, transfer, self, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		log_error_errno("a transfer cannot be started");
		close(fds[0]);
		return false;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	transfer->pid = pid;
	transfer->fd = fds[0];
	transfer->end_us = time_mono_us() + (int64_t)(transfer->limit_ms + GRACE_MS) * 1000;
	transfer->next = transfers->first;
	transfers->first = transfer;
	transfers->count++;
	return true;
}

/* Takes it out of the list and buries its process, which has said what it had to say. */
static void transfer_end(struct transfers *transfers, struct transfer *transfer)
{
	struct transfer **at = &transfers->first;
	while (*at != transfer)
		at = &(*at)->next;
	*at = transfer->next;
	transfers->count--;
	kill(transfer->pid, SIGKILL);
	while (waitpid(transfer->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(transfer->fd);
	transfer->pid = 0;
}

void transfer_break(struct transfers *transfers, struct transfer *transfer)
{
	if (transfer->pid == 0)
		return;
	transfer_end(transfers, transfer);
	buf_free(&transfer->received);
}

/* What has come. True: that is all. */
static bool transfer_read(struct transfer *transfer)
{
	for (;;) {
		buf_reserve(&transfer->received, READ_BYTES);
		struct buf *buf = &transfer->received;
		ssize_t len = read(transfer->fd, buf->data + buf->len, buf->cap - buf->len);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return len == 0 || errno != EAGAIN;
		buf->len += (size_t)len;
	}
}

static void transfer_tell(struct transfer *transfer, bool late)
{
	struct transfer_result result = {
		.code = CURLE_OPERATION_TIMEDOUT,
		.reason = "it has not ended in time",
	};
	struct buf received = transfer->received;
	struct str body = { NULL, 0 };
	transfer->received = (struct buf){ 0 }; /* it may be started again */
	if (!late && received.len < sizeof(result)) {
		result = (struct transfer_result){
			.code = CURLE_FAILED_INIT,
			.reason = "its process has died",
		};
	} else if (!late) {
		memcpy(&result, received.data, sizeof(result));
		body = (struct str){ received.data + sizeof(result),
			received.len - sizeof(result) };
	}
	transfer->done(transfer, &result, body);
	buf_free(&received);
}

size_t transfers_poll(struct transfers *transfers, struct pollfd *fds, int64_t *wake_us)
{
	size_t n = 0;
	for (const struct transfer *at = transfers->first; at; at = at->next) {
		fds[n++] = (struct pollfd){ .fd = at->fd, .events = POLLIN };
		if (at->end_us < *wake_us)
			*wake_us = at->end_us;
	}
	return n;
}

bool transfers_run(struct transfers *transfers, int64_t now_us)
{
	bool ended = false;
	struct transfer *next;
	for (struct transfer *at = transfers->first; at; at = next) {
		/* what has ended has ended, also when nobody has looked for it in time: a mail is not sent twice */
		bool over = transfer_read(at), late = now_us >= at->end_us;
		next = at->next;
		if (!over && !late)
			continue;
		transfer_end(transfers, at);
		transfer_tell(at, !over);
		ended = true;
	}
	return ended;
}
