/*
 * A broker that is one in name: it takes connections of push/mqtt.c and what they say, and answers the CONNECT alone.
 * Included by tests of what needs a broker to be ready.
 */
#ifndef TESTS_UNIT_BROKER_H
#define TESTS_UNIT_BROKER_H

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/conf.h"
#include "lib/time.h"
#include "push/mqtt.h"

enum {
	DEADLINE_US = 10000000
};

/* A socket that conf then names. */
static inline int broker_listen(struct conf *conf)
{
	static char host[] = "127.0.0.1";
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	conf->broker_host = host;
	conf->broker_port = ntohs(address.sin_port);
	return fd;
}

/* The client's turn, until fd can be read from. */
static inline void mqtt_turn(struct mqtt *mqtt, int fd)
{
	int64_t by_us = time_mono_us() + DEADLINE_US;
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN } };
	while ((fds[0].revents & POLLIN) == 0) {
		int64_t now_us = time_mono_us(), wake_us = by_us;
		assert_true(now_us < by_us);
		mqtt_poll(mqtt, &fds[1], &wake_us);
		poll(fds, 2, wake_us <= now_us ? 0 : (int)((wake_us - now_us) / 1000) + 1);
		mqtt_run(mqtt, fds[1].revents, time_mono_us());
	}
}

/* The connection of a client that is then ready. */
static inline int broker_accept(struct mqtt *mqtt, int listener)
{
	static const char connack[] = { 0x20, 2, 0, 0 };
	char packet[256];
	mqtt_turn(mqtt, listener);
	int fd = accept(listener, NULL, NULL);
	mqtt_turn(mqtt, fd);
	assert_true(read(fd, packet, sizeof(packet)) > 0);
	assert_int_equal(write(fd, connack, sizeof(connack)), sizeof(connack));
	while (!mqtt_ready(mqtt)) {
		struct pollfd own;
		int64_t wake_us = INT64_MAX;
		mqtt_poll(mqtt, &own, &wake_us);
		assert_true(poll(&own, 1, DEADLINE_US / 1000) > 0);
		mqtt_run(mqtt, own.revents, time_mono_us());
	}
	return fd;
}

/* What has come when it ends with what is awaited. */
static inline const char *broker_read(struct mqtt *mqtt, int fd, const char *awaited)
{
	static char bytes[256 * 1024];
	size_t len = 0;
	do {
		mqtt_turn(mqtt, fd);
		ssize_t count = read(fd, bytes + len, sizeof(bytes) - 1 - len);
		assert_true(count > 0);
		for (ssize_t i = 0; i < count; i++, len++)
			bytes[len] = bytes[len] == '\0' ? '.' : bytes[len];
		bytes[len] = '\0';
	} while (strstr(bytes, awaited) == NULL);
	return bytes;
}

static void acked_by_nobody(void *ctx, int mid)
{
	(void)ctx, (void)mid;
}

#endif
