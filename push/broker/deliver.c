/*
 * Deliveries on behalf of parley-push, see the header.
 */
#include "push/broker/deliver.h"

#include <string.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/broker/broker.h"
#include "push/broker/control.h"
#include "push/broker/publish.h"

enum {
	RESYNC_STEP_US = 50 * 1000
};

static enum err user_publish(const struct user *user, enum topic_name name, struct str payload,
	int qos, uint32_t expiry_s)
{
	char topic[TOPIC_USER_BYTES];
	topic_user(&user->id, name, topic);
	return broker_publish(topic, payload, qos, false, expiry_s);
}

/* Users without an entry have neither connection nor session here: nobody would get it. */
static void deliver(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid id;
	int64_t failed = 0;
	while (control_id(&ids, &id)) {
		const struct user *user = user_find(&broker->clients, &id);
		if (user && user_publish(user, control->topic, control->payload, control->qos,
				    control->expiry_s) != OK)
			failed++;
	}
	if (failed > 0)
		log_error("out of memory, recipients have to sync", LOG_INT("recipients", failed));
}

static void resync_start(struct broker *broker, const struct control *control)
{
	char *payload = mosquitto_malloc(control->payload.len);
	if (!payload) {
		log_error("out of memory, nobody is told to sync");
		return;
	}
	memcpy(payload, control->payload.ptr, control->payload.len);
	resync_stop(&broker->resync);
	broker->resync = (struct resync){
		.payload = payload,
		.payload_bytes = control->payload.len,
		.started_us = time_mono_us(),
		.window_ms = control->window_ms > 0 ? control->window_ms : 1,
	};
	log_info("telling everybody to sync", LOG_INT("window_ms", control->window_ms));
}

static void users_open(struct broker *broker)
{
	barred_end(&broker->barred);
	blocked_end(&broker->blocked);
	if (!broker->open)
		log_info("open for users", LOG_INT("revoked_sessions", broker->revoked.table.count),
			LOG_INT("barred_users", broker->barred.table.count),
			LOG_INT("blocks", broker->blocked.table.count));
	broker->open = true;
}

static void control_run(struct broker *broker, const struct control *control)
{
	switch (control->verb) {
	case CONTROL_DELIVER:
		deliver(broker, control);
		break;
	case CONTROL_RESYNC:
		resync_start(broker, control);
		break;
	case CONTROL_REVOKE:
		revoked_receive(broker, control);
		break;
	case CONTROL_BAR:
		barred_receive(broker, control);
		break;
	case CONTROL_UNBAR:
		barred_receive_end(broker, control);
		break;
	case CONTROL_BLOCK:
		blocked_receive(broker, control);
		break;
	case CONTROL_UNBLOCK:
		blocked_receive_end(broker, control);
		break;
	case CONTROL_KEYS:
		identity_receive(broker, control);
		break;
	case CONTROL_KNOWN:
		identity_receive_known(broker, control);
		break;
	case CONTROL_ANEW:
		barred_begin(&broker->barred);
		blocked_begin(&broker->blocked);
		break;
	case CONTROL_OPEN:
		users_open(broker);
		break;
	}
}

/* All of it is understood before anything of it is done. */
static void control_run_all(struct broker *broker, struct str text)
{
	struct control control;
	struct str rest = text;
	do {
		if (control_read(&rest, &control) != OK) {
			log_error("control message refused: not understood",
				LOG_INT("bytes", text.len));
			return;
		}
	} while (rest.len > 0);
	while (text.len > 0 && control_read(&text, &control) == OK)
		control_run(broker, &control);
}

int control_receive(int event, void *data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_control *control = data;
	struct broker *broker = userdata;
	const struct client *client = client_find(&broker->clients, control->client);
	if (client && !client->user && !control->retain)
		control_run_all(broker, (struct str){ control->payload, control->payloadlen });
	else
		log_error("control message refused: not from " PUSH_NAME);
	return MOSQ_ERR_SUCCESS;
}

/* A user's turn within the window: even, without a list, and untouched by users that come and go.
 */
static uint32_t turn_ms(const struct user *user, uint32_t window_ms)
{
	return (uint32_t)((user->node.hash >> 32) % window_ms);
}

struct step {
	const struct resync *resync;
	uint32_t until_ms;
	int64_t failed;
};

static void user_tell(struct table_node *node, void *context)
{
	struct step *step = context;
	const struct resync *resync = step->resync;
	const struct user *user = table_entry(node, struct user, node);
	uint32_t turn = turn_ms(user, resync->window_ms);
	if (user->nconnected == 0 || turn < resync->done_ms || turn >= step->until_ms)
		return;
	struct str payload = { resync->payload, resync->payload_bytes };
	if (user_publish(user, TOPIC_SYNC, payload, 1, 0) != OK)
		step->failed++;
}

void resync_tick(struct broker *broker, int64_t now_us)
{
	struct resync *resync = &broker->resync;
	if (!resync->payload || now_us - resync->looked_us < RESYNC_STEP_US)
		return;
	int64_t elapsed_ms = (now_us - resync->started_us) / 1000;
	struct step step = { .resync = resync, .until_ms = resync->window_ms };
	if (elapsed_ms < resync->window_ms)
		step.until_ms = (uint32_t)elapsed_ms;
	table_each(&broker->clients.users, user_tell, &step);
	if (step.failed > 0)
		log_error(
			"out of memory, users are not told to sync", LOG_INT("users", step.failed));
	resync->looked_us = now_us;
	resync->done_ms = step.until_ms;
	if (resync->done_ms == resync->window_ms)
		resync_stop(resync);
}

void resync_stop(struct resync *resync)
{
	mosquitto_free(resync->payload);
	*resync = (struct resync){ 0 };
}
