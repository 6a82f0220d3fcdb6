/*
 * parley-push: carries committed events from PostgreSQL's WAL to the broker, and commands of clients
 * from the broker to PostgreSQL. One loop around poll, no thread. Run by a supervisor, in the foreground; SIGTERM or SIGINT ends it when what is
 * outstanding is acknowledged or two seconds are over, SIGHUP reads the log level again. A second
 * one is a stand-by.
 *
 * usage: parley-push [--config FILE | --version]
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
#include "lib/topic.h"
#include "lib/version.h"
#include "push/command/command.h"
#include "push/daemon.h"
#include "push/event.h"
#include "push/fanout.h"
#include "push/gate.h"
#include "push/health.h"
#include "push/http.h"
#include "push/identity.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/resync.h"
#include "push/rest_metrics.h"
#include "push/seen.h"
#include "push/slot.h"
#include "push/stream.h"
#include "push/typing.h"
#include "sql/pipeline.h"

enum {
	STOP_MAX_US = 2000000,
	WAKE_MAX_US = 1000000,
};

struct push {
	const char *conf_path;
	struct conf conf;
	struct metrics metrics;
	struct rest_metrics rest;
	struct mqtt *mqtt;
	struct fanout *fanout;
	struct pipeline *pipeline;
	struct typing *typing;
	struct commands *commands;
	struct events *events;
	struct resync *resync;
	struct seen *seen;
	struct stream *stream;
	struct gate *gate;
	struct identities *identities;
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
		.open = gate_is_open(push->gate),
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
	values[METRIC_COMMANDS_PENDING] = (int64_t)commands_count(push->commands);
	values[METRIC_BROKER_CONNECTED] = mqtt_ready(push->mqtt);
	values[METRIC_STREAMING] = role == STREAM_ACTIVE;
	values[METRIC_HELD] = stream_is_held(push->stream);
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

static void signals_take(struct push *push, int64_t now_us)
{
	struct signalfd_siginfo info;
	while (read(push->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			daemon_level_reload("parley-push", push->conf_path);
			continue;
		}
		if (push->stopping)
			continue;
		log_info("stopping", LOG_INT("outstanding", events_outstanding(push->events)),
			LOG_INT("commands", commands_count(push->commands)));
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
	FD_SEEN,
	FD_PIPELINE, /* and those behind */
	FD__MAX = FD_PIPELINE + PIPELINE_LINKS_MAX
};

static bool push_done(const struct push *push, int64_t now_us)
{
	return push->stopping &&
	       ((events_outstanding(push->events) == 0 && commands_count(push->commands) == 0 &&
			identities_count(push->identities) == 0) ||
		       now_us >= push->stop_by_us);
}

static void serve(struct push *push, bool serves)
{
	identities_serve(push->identities, serves && fanout_has_plugin(push->fanout));
	commands_serve(push->commands, serves);
}

/* Of several daemons the one that streams serves commands; it goes on while the database is away, to say so. */
static void roles_take(struct push *push)
{
	enum stream_role role = stream_role(push->stream);
	if (push->stopping || role == STREAM_STANDBY)
		serve(push, false);
	else if (role == STREAM_ACTIVE)
		serve(push, true);
}

/* What the broker hands over; of the type mqtt_received. */
static void message_take(void *ctx, struct str topic, struct str payload, bool retained)
{
	struct push *push = ctx;
	if (str_equal(topic, STR(TOPIC_IDENTITY)) && !retained)
		identities_take(push->identities, payload);
	else
		commands_take(push->commands, topic, payload, retained);
}

/* See gate_run. */
static uint64_t gate_epoch(const struct push *push)
{
	if (stream_role(push->stream) != STREAM_ACTIVE || !mqtt_ready(push->mqtt))
		return 0;
	return (mqtt_epoch(push->mqtt) << 32) + stream_epoch(push->stream);
}

/* Until when poll may wait, in milliseconds, rounded up: to come too early is to come again. */
static int wait_ms(int64_t now_us, int64_t wake_us)
{
	return wake_us <= now_us ? 0 : (int)((wake_us - now_us + 999) / 1000);
}

static void push_turn(struct push *push)
{
	struct pollfd fds[FD__MAX];
	size_t nlinks;
	int64_t now_us = time_mono_us();
	int64_t wake_us = now_us + WAKE_MAX_US;
	fds[FD_SIGNALS] = (struct pollfd){ .fd = push->signals, .events = POLLIN };
	mqtt_poll(push->mqtt, &fds[FD_MQTT], &wake_us);
	stream_poll(push->stream, &fds[FD_STREAM], &wake_us);
	seen_poll(push->seen, &fds[FD_SEEN], stream_is_held(push->stream), &wake_us);
	slot_watch_poll(push->watch, &fds[FD_WATCH], &wake_us);
	http_poll(push->http, &fds[FD_HTTP], &wake_us, now_us);
	typing_poll(push->typing, &wake_us);
	gate_poll(push->gate, &wake_us);
	identities_poll(push->identities, &wake_us);
	resync_poll(push->resync, &wake_us);
	nlinks = pipeline_poll(push->pipeline, &fds[FD_PIPELINE], &wake_us);
	if (push->stopping && push->stop_by_us < wake_us)
		wake_us = push->stop_by_us;

	if (poll(fds, FD_PIPELINE + nlinks, wait_ms(now_us, wake_us)) < 0 && errno != EINTR)
		fatal("poll failed", LOG_STR("error", log_errno()));

	now_us = time_mono_us();
	signals_take(push, now_us);
	/* the broker first: what it acknowledges makes the room in which the stream goes on */
	mqtt_run(push->mqtt, fds[FD_MQTT].revents, now_us);
	seen_run(push->seen, &fds[FD_SEEN], now_us);
	stream_run(push->stream, fds[FD_STREAM].revents, now_us);
	/* before what it asked for is answered, that may be for a broker that has just been lost */
	gate_run(push->gate, gate_epoch(push), now_us);
	pipeline_run(push->pipeline, &fds[FD_PIPELINE], now_us);
	roles_take(push);
	identities_run(push->identities, now_us);
	resync_run(push->resync, now_us);
	typing_run(push->typing, now_us);
	fanout_flush(push->fanout);
	slot_watch_run(push->watch, fds[FD_WATCH].revents, now_us);
	http_run(push->http);
}

/* --- start and end ------------------------------------------------------------------------------
 */

static void commands_open(struct push *push)
{
	const struct conf *conf = &push->conf;
	/* the rights of REST: what people may do does not depend on the way that they came */
	push->pipeline = pipeline_new(conf->rest_database, "parley-push commands",
		conf->statement_timeout_ms, conf->push_connections);
	const struct commands_parts parts = {
		.conf = conf,
		.mqtt = push->mqtt,
		.fanout = push->fanout,
		.pipeline = push->pipeline,
		.typing = push->typing,
		.metrics = &push->metrics,
	};
	push->commands = commands_new(&parts);
}

static void push_open(struct push *push)
{
	const struct conf *conf = &push->conf;
	push->metrics.values[METRIC_STARTED_AT_US] = time_now_us();
	push->rest = (struct rest_metrics){ .path = conf->shm };
	push->signals = daemon_signals_open();
	if (http_new(conf->metrics_port, paths, sizeof(paths) / sizeof(paths[0]), push,
		    &push->http) != OK ||
		mqtt_new(conf, &push->metrics, &push->mqtt) != OK)
		fatal("cannot start");
	push->fanout = fanout_new(conf, push->mqtt);
	push->typing = typing_new(push->mqtt, push->fanout, &push->metrics);
	commands_open(push);
	push->events = events_new(conf, push->mqtt, push->fanout, push->typing, &push->metrics);
	push->resync = resync_new(conf, push->events, push->fanout, push->pipeline, &push->metrics);
	push->seen = seen_new(conf);
	if (stream_new(conf, push->events, push->resync, push->mqtt, push->seen, &push->metrics,
		    &push->stream) != OK)
		fatal("cannot start");
	push->identities = identities_new(
		conf, push->mqtt, push->fanout, push->events, push->pipeline, &push->metrics);
	push->gate = gate_new(conf, push->events, push->fanout, push->pipeline);
	push->watch = slot_watch_new(conf->push_database, conf->slot, &push->metrics);
	const struct mqtt_handlers handlers = {
		.acked = events_acked,
		.acked_ctx = push->events,
		.received = message_take,
		.received_ctx = push,
	};
	mqtt_handle(push->mqtt, &handlers);
}

static void push_close(struct push *push)
{
	size_t outstanding = events_outstanding(push->events);
	slot_watch_free(push->watch);
	stream_free(push->stream);
	seen_free(push->seen);
	pipeline_free(push->pipeline);
	fanout_flush(push->fanout);
	commands_free(push->commands);
	identities_free(push->identities);
	gate_free(push->gate);
	resync_free(push->resync);
	mqtt_free(push->mqtt);
	http_free(push->http);
	rest_metrics_close(&push->rest);
	events_free(push->events);
	typing_free(push->typing);
	fanout_free(push->fanout);
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
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		exit(printf("parley-push " PARLEY_VERSION "\n") > 0 ? 0 : 1);
	fputs("usage: parley-push [--config FILE | --version]\n", stderr);
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
