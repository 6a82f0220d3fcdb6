/*
 * parley-push: carries committed events from PostgreSQL's WAL to the broker. One loop around poll,
 * no thread. Run by a supervisor, in the foreground; SIGTERM or SIGINT ends it when what is
 * outstanding is acknowledged or two seconds are over, SIGHUP reads the log level again. A second
 * one is a stand-by.
 *
 * usage: parley-push [--config FILE]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/time.h"
#include "push/event.h"
#include "push/health.h"
#include "push/http.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/rest_metrics.h"
#include "push/slot.h"
#include "push/stream.h"

enum {
	STOP_MAX_US = 2000000,
	WAKE_MAX_US = 1000000,
};

struct push {
	const char *conf_path;
	struct conf conf;
	struct metrics metrics;
	struct rest_metrics rest;
	struct events *events;
	struct mqtt *mqtt;
	struct stream *stream;
	struct slot_watch *watch;
	struct http *http;
	int signals;
	bool stopping;
	int64_t stop_by_us;
};

/* --- what is told over HTTP --------------------------------------------------------------------
 */

static int64_t lag_bytes(const struct push *push)
{
	lsn_t received = stream_received(push->stream);
	lsn_t confirmed = stream_confirmed(push->stream);
	return received > confirmed ? (int64_t)(received - confirmed) : 0;
}

static int answer_health(void *ctx, struct buf *body)
{
	const struct push *push = ctx;
	struct health health = {
		.role = stream_role(push->stream),
		.broker = mqtt_ready(push->mqtt),
		.lag_bytes = lag_bytes(push),
	};
	return health_write(body, &health);
}

/* The gauges that are read off when somebody asks. */
static void gauges_set(struct push *push, int64_t now_us)
{
	int64_t *values = push->metrics.values;
	enum stream_role role = stream_role(push->stream);
	int64_t last_us = events_last_us(push->events);
	values[METRIC_OUTSTANDING] = (int64_t)events_outstanding(push->events);
	values[METRIC_BROKER_CONNECTED] = mqtt_ready(push->mqtt);
	values[METRIC_STREAMING] = role == STREAM_ACTIVE;
	values[METRIC_STANDBY] = role == STREAM_STANDBY;
	values[METRIC_RECEIVED_LSN] = (int64_t)stream_received(push->stream);
	values[METRIC_CONFIRMED_LSN] = (int64_t)stream_confirmed(push->stream);
	values[METRIC_LAG_BYTES] = lag_bytes(push);
	values[METRIC_LAST_EVENT_AGE_US] = last_us == 0 ? METRIC_NONE : now_us - last_us;
}

static int answer_metrics(void *ctx, struct buf *body)
{
	struct push *push = ctx;
	int64_t now_us = time_mono_us();
	gauges_set(push, now_us);
	metrics_write(body, &push->metrics);
	rest_metrics_write(body, &push->rest, now_us);
	return 200;
}

static const struct http_path paths[] = {
	{ "/health", "application/json", answer_health },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", answer_metrics },
};

/* --- signals -----------------------------------------------------------------------------------
 */

static int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal("signals cannot be set up", LOG_STR("error", log_errno()));
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fatal("signals cannot be set up", LOG_STR("error", log_errno()));
	return fd;
}

static void level_reload(const struct push *push)
{
	struct conf conf;
	if (conf_load(push->conf_path, &conf) != OK)
		return; /* it has said why */
	log_open("parley-push", (enum log_level)conf.log_level);
	log_info("configuration read again");
	conf_free(&conf);
}

static void signals_take(struct push *push, int64_t now_us)
{
	struct signalfd_siginfo info;
	while (read(push->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			level_reload(push);
			continue;
		}
		if (push->stopping)
			continue;
		log_info("stopping", LOG_INT("outstanding", events_outstanding(push->events)));
		push->stopping = true;
		push->stop_by_us = now_us + STOP_MAX_US;
		events_stop(push->events);
	}
}

/* --- the loop ----------------------------------------------------------------------------------
 */

enum {
	FD_SIGNALS,
	FD_MQTT,
	FD_STREAM,
	FD_WATCH,
	FD_HTTP,
	FD__MAX
};

static bool push_done(const struct push *push, int64_t now_us)
{
	return push->stopping &&
	       (events_outstanding(push->events) == 0 || now_us >= push->stop_by_us);
}

/* Until when poll may wait, in milliseconds, rounded up: to come too early is to come again. */
static int wait_ms(int64_t now_us, int64_t wake_us)
{
	return wake_us <= now_us ? 0 : (int)((wake_us - now_us + 999) / 1000);
}

static void push_turn(struct push *push)
{
	struct pollfd fds[FD__MAX];
	int64_t now_us = time_mono_us();
	int64_t wake_us = now_us + WAKE_MAX_US;
	fds[FD_SIGNALS] = (struct pollfd){ .fd = push->signals, .events = POLLIN };
	mqtt_poll(push->mqtt, &fds[FD_MQTT], &wake_us);
	stream_poll(push->stream, &fds[FD_STREAM], &wake_us);
	slot_watch_poll(push->watch, &fds[FD_WATCH], &wake_us);
	http_poll(push->http, &fds[FD_HTTP], &wake_us, now_us);
	if (push->stopping && push->stop_by_us < wake_us)
		wake_us = push->stop_by_us;

	if (poll(fds, FD__MAX, wait_ms(now_us, wake_us)) < 0 && errno != EINTR)
		fatal("poll failed", LOG_STR("error", log_errno()));

	now_us = time_mono_us();
	signals_take(push, now_us);
	/* the broker first: what it acknowledges makes the room in which the stream goes on */
	mqtt_run(push->mqtt, fds[FD_MQTT].revents, now_us);
	stream_run(push->stream, fds[FD_STREAM].revents, now_us);
	slot_watch_run(push->watch, fds[FD_WATCH].revents, now_us);
	http_run(push->http);
}

/* --- start and end ------------------------------------------------------------------------------
 */

static void push_open(struct push *push)
{
	const struct conf *conf = &push->conf;
	push->metrics.values[METRIC_STARTED_AT_US] = time_now_us();
	push->rest = (struct rest_metrics){ .path = conf->shm };
	push->signals = signals_open();
	push->events = events_new(&push->metrics);
	if (http_new(conf->metrics_port, paths, sizeof(paths) / sizeof(paths[0]), push,
		    &push->http) != OK ||
		mqtt_new(conf, &push->metrics, events_acked, push->events, &push->mqtt) != OK ||
		stream_new(conf, push->events, push->mqtt, &push->metrics, &push->stream) != OK)
		fatal("cannot start");
	events_attach(push->events, push->mqtt);
	push->watch = slot_watch_new(conf->push_database, conf->slot, &push->metrics);
}

static void push_close(struct push *push)
{
	size_t outstanding = events_outstanding(push->events);
	slot_watch_free(push->watch);
	stream_free(push->stream);
	mqtt_free(push->mqtt);
	http_free(push->http);
	rest_metrics_close(&push->rest);
	events_free(push->events);
	close(push->signals);
	conf_free(&push->conf);
	log_info("stopped", LOG_INT("outstanding", outstanding));
}

static const char *arguments_read(int argc, char **argv)
{
	if (argc == 1)
		return NULL;
	if (argc == 3 && strcmp(argv[1], "--config") == 0)
		return argv[2];
	fputs("usage: parley-push [--config FILE]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct push push = { 0 };
	log_open("parley-push", LOG_LEVEL_INFO);
	push.conf_path = arguments_read(argc, argv);
	if (conf_load(push.conf_path, &push.conf) != OK)
		fatal("cannot start");
	log_open("parley-push", (enum log_level)push.conf.log_level);
	push_open(&push);
	log_info("started", LOG_INT("metrics_port", push.conf.metrics_port));
	while (!push_done(&push, time_mono_us()))
		push_turn(&push);
	push_close(&push);
	return 0;
}
