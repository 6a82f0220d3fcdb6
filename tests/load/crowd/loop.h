/*
 * The one loop around epoll: many thousand sockets, one thread.
 */
#ifndef TESTS_LOAD_CROWD_LOOP_H
#define TESTS_LOAD_CROWD_LOOP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A socket that is waited for; embedded in what it belongs to. */
struct watch {
	int fd; /* -1: none */
	bool writable_asked;
	/* May be called for nothing, when another watch of the same round has replaced the socket. */
	void (*ready)(struct watch *watch, uint32_t events);
};

struct loop {
	int epoll;
};

#define watch_owner(watch, type, member) ((type *)(void *)((char *)(watch)-offsetof(type, member)))

/* Microseconds of the monotonic clock: the one clock of all that is measured. */
int64_t now_us(void);

void loop_open(struct loop *loop);

/* Waits for a descriptor that is there already, to read from it. */
void loop_add(struct loop *loop, struct watch *watch);

/* Begins to connect a new socket, from the source address where it is not 0; ready is called when it can be written to, or has failed.
 * false: there is no socket or no way, and watch->fd is -1. */
bool loop_connect(
	struct loop *loop, struct watch *watch, in_addr_t source, const struct sockaddr_in *to);

/* Has the connection come about? Asked once, when ready is called first; from then on reading alone is waited for. */
bool loop_connected(struct loop *loop, struct watch *watch);

/* Sends what it can; what is left over has to be sent when ready is called with EPOLLOUT. Returns the bytes sent, -1 when the connection is
 * broken. */
long loop_send(struct loop *loop, struct watch *watch, const void *bytes, size_t len);

/* Closes the socket; nothing when there is none. */
void loop_drop(struct watch *watch);

/* Waits for at most so long, and calls ready of what has come. */
void loop_turn(struct loop *loop, int64_t wait_us);

#endif
