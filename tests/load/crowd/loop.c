/*
 * epoll, see the header.
 */
#include "tests/load/crowd/loop.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

enum {
	EVENTS_MAX = 256
};

int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void loop_open(struct loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		fatal("no epoll", LOG_STR("error", log_errno()));
}

static void loop_ask(struct loop *loop, struct watch *watch, int operation, bool writable)
{
	struct epoll_event event = {
		.events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = watch,
	};
	watch->writable_asked = writable;
	if (epoll_ctl(loop->epoll, operation, watch->fd, &event) != 0)
		fatal("epoll_ctl", LOG_STR("error", log_errno()));
}

void loop_add(struct loop *loop, struct watch *watch)
{
	loop_ask(loop, watch, EPOLL_CTL_ADD, false);
}

bool loop_connect(
	struct loop *loop, struct watch *watch, in_addr_t source, const struct sockaddr_in *to)
{
	const int one = 1;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = source };
	watch->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (watch->fd < 0)
		fatal("no socket", LOG_STR("error", log_errno()));
	setsockopt(watch->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* the port is chosen by the connect, where it need not be unique but for its peer */
	setsockopt(watch->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (source != 0 && bind(watch->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		fatal("no such source address", LOG_STR("error", log_errno()));
	if (connect(watch->fd, (const struct sockaddr *)to, sizeof(*to)) != 0 &&
		errno != EINPROGRESS) {
		loop_drop(watch);
		return false;
	}
	loop_ask(loop, watch, EPOLL_CTL_ADD, true);
	return true;
}

bool loop_connected(struct loop *loop, struct watch *watch)
{
	int error = 0;
	socklen_t len = sizeof(error);
	getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0)
		loop_ask(loop, watch, EPOLL_CTL_MOD, false);
	return error == 0;
}

long loop_send(struct loop *loop, struct watch *watch, const void *bytes, size_t len)
{
	ssize_t sent = send(watch->fd, bytes, len, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		return -1;
	bool rest = sent < (ssize_t)len;
	if (rest != watch->writable_asked)
		loop_ask(loop, watch, EPOLL_CTL_MOD, rest);
	return sent < 0 ? 0 : sent;
}

void loop_drop(struct watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

void loop_turn(struct loop *loop, int64_t wait_us)
{
	struct epoll_event events[EVENTS_MAX];
	struct timespec wait = { 0 };
	if (wait_us > 0)
		wait = (struct timespec){ wait_us / 1000000, wait_us % 1000000 * 1000 };
	int count = epoll_pwait2(loop->epoll, events, EVENTS_MAX, &wait, NULL);
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;
		if (watch->fd >= 0)
			watch->ready(watch, events[i].events);
	}
}
