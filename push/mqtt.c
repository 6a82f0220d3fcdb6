/*
 * libmosquitto in the loop of main.c; see the header. Written against 2.0.11, whose message queue
 * is as the comments here have it.
 */
#include "push/mqtt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/backoff.h"

enum {
	KEEPALIVE_S = 10,
	MISC_EACH_US = 500000,
	HANDSHAKE_MAX_US = 5000000,
	SECRET_BYTES = 513,
	CLIENT_ID_BYTES = 128,
	REASON_BYTES = 128,
	WANTED_MAX = 2,
};

enum mqtt_state {
	MQTT_CLOSED,	 /* until retry_at_us */
	MQTT_CONNECTING, /* no CONNACK yet; until deadline_us */
	MQTT_READY,
};

struct mqtt {
	struct mosquitto *mosq;
	const struct conf *conf;
	struct metrics *metrics;
	struct mqtt_handlers handlers;
	bool is_v5;
	enum mqtt_state state;
	uint64_t epoch;
	bool leaving;
	struct subscription {
		const char *filter; /* NULL: a free place */
		int mid;	    /* with which it was asked for */
	} wanted[WANTED_MAX];	    /* in the order in which it is asked for */
	struct backoff backoff;
	int64_t retry_at_us;
	int64_t deadline_us;
	int64_t misc_at_us;
	const char *refusal;	 /* the CONNACK's, until it is told; a literal of libmosquitto */
	char told[REASON_BYTES]; /* why it was lost, as it was logged; "": it works */
};

static const char *code_text(int code)
{
	/* 2.0.11 has no text for it */
	if (code == MOSQ_ERR_KEEPALIVE)
		return "the broker does not answer any more";
	return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

/* The first line of the file. It may be replaced at any time, so it is read before each connect. */
static enum err secret_load(struct mqtt *mqtt)
{
	char secret[SECRET_BYTES];
	FILE *file = fopen(mqtt->conf->broker_secret, "re");
	if (file == NULL || fgets(secret, sizeof(secret), file) == NULL) {
		log_error_errno("the broker's secret cannot be read",
			LOG_STR("path", mqtt->conf->broker_secret));
		if (file != NULL)
			fclose(file);
		return ERR_INTERNAL;
	}
	fclose(file);
	secret[strcspn(secret, "\r\n")] = '\0';
	int rc = mosquitto_username_pw_set(mqtt->mosq, "parley-push", secret);
	explicit_bzero(secret, sizeof(secret));
	if (rc != MOSQ_ERR_SUCCESS)
		fatal("out of memory");
	return OK;
}

/* Lost, or not to be had: once a reason, for it is tried again and again. */
static void mqtt_lose(struct mqtt *mqtt, const char *reason)
{
	mqtt->state = MQTT_CLOSED;
	mqtt->retry_at_us = time_mono_us() + backoff_next_us(&mqtt->backoff);
	if (mqtt->leaving || strncmp(mqtt->told, reason, sizeof(mqtt->told) - 1) == 0)
		return;
	log_warn("no broker", LOG_STR("reason", reason), LOG_STR("host", mqtt->conf->broker_host),
		LOG_INT("port", mqtt->conf->broker_port));
	snprintf(mqtt->told, sizeof(mqtt->told), "%s", reason);
}

static void filter_subscribe(struct mqtt *mqtt, struct subscription *wanted)
{
	int rc = mosquitto_subscribe(mqtt->mosq, &wanted->mid, wanted->filter, 1);
	if (rc == MOSQ_ERR_NOMEM)
		fatal("out of memory");
}

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
	(void)mosq;
	struct mqtt *mqtt = obj;
	mqtt->refusal = NULL;
	if (code != 0)
		mqtt->refusal = mqtt->is_v5 ? mosquitto_reason_string(code)
					    : mosquitto_connack_string(code);
	if (code != 0)
		return; /* on_disconnect follows */
	mqtt->state = MQTT_READY;
	mqtt->epoch++;
	mqtt->told[0] = '\0';
	mqtt->metrics->values[METRIC_BROKER_CONNECTS]++;
	backoff_reset(&mqtt->backoff);
	log_info("connected to the broker", LOG_STR("host", mqtt->conf->broker_host),
		LOG_INT("port", mqtt->conf->broker_port));
	for (int i = 0; i < WANTED_MAX; i++) {
		if (mqtt->wanted[i].filter != NULL)
			filter_subscribe(mqtt, &mqtt->wanted[i]);
	}
}

static void on_disconnect(struct mosquitto *mosq, void *obj, int code)
{
	(void)mosq;
	struct mqtt *mqtt = obj;
	const char *reason = mqtt->refusal != NULL ? mqtt->refusal : code_text(code);
	mqtt->refusal = NULL;
	mqtt_lose(mqtt, reason);
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
	(void)mosq;
	struct mqtt *mqtt = obj;
	mqtt->handlers.acked(mqtt->handlers.acked_ctx, mid);
}

/* A broker that refuses it will go on refusing: what it is for is not done until somebody looks at its rights. */
static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
	(void)mosq;
	const struct mqtt *mqtt = obj;
	const char *filter = "";
	for (int i = 0; i < WANTED_MAX; i++) {
		if (mqtt->wanted[i].filter != NULL && mqtt->wanted[i].mid == mid)
			filter = mqtt->wanted[i].filter;
	}
	if (count > 0 && granted[0] > 2)
		log_error("the broker refuses a subscription", LOG_STR("filter", filter),
			LOG_INT("code", granted[0]));
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
	(void)mosq;
	const struct mqtt *mqtt = obj;
	struct str payload = { message->payload != NULL ? message->payload : "",
		(size_t)message->payloadlen };
	mqtt->handlers.received(
		mqtt->handlers.received_ctx, str_of(message->topic), payload, message->retain);
}

static void mqtt_connect(struct mqtt *mqtt, int64_t now_us)
{
	if (secret_load(mqtt) != OK) {
		mqtt_lose(mqtt, "its secret cannot be read");
		return;
	}
	/* set before the call, because it may come to on_disconnect; an old socket is closed by it
	 */
	mqtt->state = MQTT_CONNECTING;
	mqtt->deadline_us = now_us + HANDSHAKE_MAX_US;
	int rc = mosquitto_connect_async(
		mqtt->mosq, mqtt->conf->broker_host, mqtt->conf->broker_port, KEEPALIVE_S);
	if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_CONN_PENDING)
		mqtt_lose(mqtt, code_text(rc));
}

static void client_id_make(char out[CLIENT_ID_BYTES])
{
	char host[64] = "";
	if (gethostname(host, sizeof(host) - 1) != 0)
		snprintf(host, sizeof(host), "unknown");
	snprintf(out, CLIENT_ID_BYTES, "parley-push/%s-%ld", host, (long)getpid());
}

void mqtt_handle(struct mqtt *mqtt, const struct mqtt_handlers *handlers)
{
	mqtt->handlers = *handlers;
}

enum err mqtt_new(const struct conf *conf, struct metrics *metrics, struct mqtt **out)
{
	struct mqtt *mqtt = calloc(1, sizeof(*mqtt));
	char client_id[CLIENT_ID_BYTES];
	client_id_make(client_id);
	if (mqtt == NULL || mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
		fatal("out of memory");
	*mqtt = (struct mqtt){
		.conf = conf,
		.metrics = metrics,
		.is_v5 = conf->broker_fanout == BROKER_FANOUT_PUBLISH,
	};
	mqtt->mosq = mosquitto_new(client_id, true, mqtt);
	if (mqtt->mosq == NULL)
		fatal("out of memory");
	mosquitto_connect_callback_set(mqtt->mosq, on_connect);
	mosquitto_disconnect_callback_set(mqtt->mosq, on_disconnect);
	mosquitto_publish_callback_set(mqtt->mosq, on_publish);
	mosquitto_subscribe_callback_set(mqtt->mosq, on_subscribe);
	mosquitto_message_callback_set(mqtt->mosq, on_message);
	mosquitto_int_option(mqtt->mosq, MOSQ_OPT_PROTOCOL_VERSION,
		mqtt->is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	mosquitto_int_option(mqtt->mosq, MOSQ_OPT_TCP_NODELAY, 1);
	/* no limit of its own: what exceeds it would be held back and its order is not ours to see
	 */
	mosquitto_max_inflight_messages_set(mqtt->mosq, 0);
	enum err err = secret_load(mqtt);
	if (err != OK) {
		mqtt_free(mqtt);
		return err;
	}
	*out = mqtt;
	return OK;
}

void mqtt_free(struct mqtt *mqtt)
{
	if (mqtt == NULL)
		return;
	mqtt->leaving = true;
	if (mqtt->state == MQTT_READY)
		mosquitto_disconnect(mqtt->mosq);
	mosquitto_destroy(mqtt->mosq);
	mosquitto_lib_cleanup();
	free(mqtt);
}

void mqtt_poll(const struct mqtt *mqtt, struct pollfd *fd, int64_t *wake_us)
{
	int64_t due_us = mqtt->state == MQTT_CLOSED ? mqtt->retry_at_us : mqtt->misc_at_us;
	if (mqtt->state == MQTT_CONNECTING && mqtt->deadline_us < due_us)
		due_us = mqtt->deadline_us;
	if (due_us < *wake_us)
		*wake_us = due_us;
	/* one that was given up stays open until the next connect: nobody listens to it */
	bool closed = mqtt->state == MQTT_CLOSED;
	*fd = (struct pollfd){ .fd = closed ? -1 : mosquitto_socket(mqtt->mosq), .events = POLLIN };
	if (mosquitto_want_write(mqtt->mosq))
		fd->events |= POLLOUT;
}

void mqtt_run(struct mqtt *mqtt, short revents, int64_t now_us)
{
	/* what these return was told to on_disconnect already */
	if (mqtt->state != MQTT_CLOSED && (revents & (POLLIN | POLLERR | POLLHUP)))
		mosquitto_loop_read(mqtt->mosq, 1);
	if (mqtt->state != MQTT_CLOSED && (revents & POLLOUT))
		mosquitto_loop_write(mqtt->mosq, 1);
	if (mqtt->state != MQTT_CLOSED && now_us >= mqtt->misc_at_us) {
		mqtt->misc_at_us = now_us + MISC_EACH_US;
		mosquitto_loop_misc(mqtt->mosq);
	}
	if (mqtt->state == MQTT_CONNECTING && now_us >= mqtt->deadline_us)
		mqtt_lose(mqtt, "the broker did not answer in time");
	if (mqtt->state == MQTT_CLOSED && now_us >= mqtt->retry_at_us)
		mqtt_connect(mqtt, now_us);
}

bool mqtt_ready(const struct mqtt *mqtt)
{
	return mqtt->state == MQTT_READY;
}

uint64_t mqtt_epoch(const struct mqtt *mqtt)
{
	return mqtt->epoch;
}

/* The place of a filter, which it has or may have. */
static struct subscription *filter_place(struct mqtt *mqtt, const char *filter)
{
	struct subscription *free_one = NULL;
	for (int i = WANTED_MAX - 1; i >= 0; i--) {
		struct subscription *wanted = &mqtt->wanted[i];
		if (wanted->filter == NULL)
			free_one = wanted;
		else if (strcmp(wanted->filter, filter) == 0)
			return wanted;
	}
	assert(free_one != NULL);
	return free_one;
}

void mqtt_subscribe(struct mqtt *mqtt, const char *filter, bool wanted)
{
	struct subscription *place = filter_place(mqtt, filter);
	if ((place->filter != NULL) == wanted)
		return;
	place->filter = wanted ? filter : NULL;
	if (mqtt->state != MQTT_READY)
		return;
	if (wanted)
		filter_subscribe(mqtt, place);
	else
		mosquitto_unsubscribe(mqtt->mosq, NULL, filter);
}

static mosquitto_property *properties_make(
	const struct mqtt *mqtt, const struct mqtt_message *message)
{
	mosquitto_property *properties = NULL;
	if (mqtt->is_v5 && message->expiry_s > 0 &&
		mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
			message->expiry_s) != MOSQ_ERR_SUCCESS)
		fatal("out of memory");
	return properties;
}

enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message, int *mid)
{
	mosquitto_property *properties = properties_make(mqtt, message);
	int rc = mosquitto_publish_v5(mqtt->mosq, mid, message->topic, (int)message->payload.len,
		message->payload.ptr, message->qos, false, properties);
	mosquitto_property_free_all(&properties);
	switch (rc) {
	case MOSQ_ERR_NOMEM:
		fatal("out of memory");
	case MOSQ_ERR_INVAL:
	case MOSQ_ERR_PAYLOAD_SIZE:
	case MOSQ_ERR_MALFORMED_UTF8:
	case MOSQ_ERR_OVERSIZE_PACKET:
	case MOSQ_ERR_QOS_NOT_SUPPORTED:
		log_error("a publish was refused", LOG_STR("reason", mosquitto_strerror(rc)));
		return ERR_INTERNAL;
	default:
		/* queued before it was written: a failed write is met again in the next loop, and
		 * the message is sent again after the reconnect */
		return OK;
	}
}
