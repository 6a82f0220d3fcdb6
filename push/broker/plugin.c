/*
 * The plugin as mosquitto 2.0 sees it (plugin API 5): what is called when. The work is in the files
 * of the nouns. It runs on the broker's only thread: nothing here may block, end the process or
 * open a connection.
 */
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <sodium.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/broker/acl.h"
#include "push/broker/auth.h"
#include "push/broker/broker.h"
#include "push/broker/command.h"
#include "push/broker/expiry.h"
#include "push/broker/presence.h"

#define EXPORT __attribute__((visibility("default")))

enum {
	PLUGIN_API = 5
};

/* Called at every turn of the broker's loop: each part first asks whether it has anything to do. */
static int tick(int event, void *data, void *userdata)
{
	(void)event, (void)data;
	struct broker *broker = userdata;
	int64_t now_us = time_mono_us();
	broker->now_s = time_now_us() / 1000000;
	presence_tick(broker, now_us);
	expiry_tick(broker, now_us);
	revoked_tick(&broker->revoked, broker->now_s);
	resync_tick(broker, now_us);
	auth_tick(broker, now_us);
	command_tick(broker, now_us);
	return MOSQ_ERR_SUCCESS;
}

struct callback {
	int event;
	MOSQ_FUNC_generic_callback function;
	const char *topic; /* of MOSQ_EVT_CONTROL */
};

static const struct callback callbacks[] = {
	{ MOSQ_EVT_RELOAD, auth_reload, NULL },
	{ MOSQ_EVT_BASIC_AUTH, auth_check, NULL },
	{ MOSQ_EVT_ACL_CHECK, acl_check, NULL },
	{ MOSQ_EVT_CONTROL, control_receive, TOPIC_CONTROL },
	{ MOSQ_EVT_TICK, tick, NULL },
	{ MOSQ_EVT_DISCONNECT, presence_disconnect, NULL },
};
enum {
	NCALLBACKS = sizeof(callbacks) / sizeof(callbacks[0])
};

static const int log_levels[] = {
	[LOG_LEVEL_DEBUG] = MOSQ_LOG_DEBUG,
	[LOG_LEVEL_INFO] = MOSQ_LOG_NOTICE,
	[LOG_LEVEL_WARN] = MOSQ_LOG_WARNING,
	[LOG_LEVEL_ERROR] = MOSQ_LOG_ERR,
};

static void log_to_broker(enum log_level level, const char *line)
{
	mosquitto_log_printf(log_levels[level], "%s", line);
}

static int callbacks_register(mosquitto_plugin_id_t *identifier, struct broker *broker)
{
	for (int i = 0; i < NCALLBACKS; i++) {
		const struct callback *row = &callbacks[i];
		int rc = mosquitto_callback_register(
			identifier, row->event, row->function, row->topic, broker);
		if (rc != MOSQ_ERR_SUCCESS) {
			log_error("broker takes no callback", LOG_INT("event", row->event),
				LOG_INT("code", rc));
			return rc;
		}
	}
	return MOSQ_ERR_SUCCESS;
}

static void broker_free(struct broker *broker)
{
	resync_stop(&broker->resync);
	identity_free(&broker->identity);
	barred_free(&broker->barred);
	blocked_free(&broker->blocked);
	revoked_free(&broker->revoked);
	clients_free(&broker->clients);
	settings_free(&broker->settings);
	mosquitto_free(broker);
}

EXPORT int mosquitto_plugin_version(int nversions, const int *versions)
{
	for (int i = 0; i < nversions; i++) {
		if (versions[i] == PLUGIN_API)
			return PLUGIN_API;
	}
	return -1;
}

EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata,
	struct mosquitto_opt *options, int noptions)
{
	log_open("parley_broker", LOG_LEVEL_INFO);
	log_sink(log_to_broker);
	if (sodium_init() < 0) {
		log_error("cannot start libsodium");
		return MOSQ_ERR_UNKNOWN;
	}

	int rc = MOSQ_ERR_NOMEM;
	struct broker *broker = mosquitto_calloc(1, sizeof(*broker));
	if (!broker)
		return rc;
	if (clients_init(&broker->clients) != OK || revoked_init(&broker->revoked) != OK ||
		barred_init(&broker->barred) != OK || blocked_init(&broker->blocked) != OK)
		goto out;
	rc = MOSQ_ERR_INVAL;
	if (settings_load(options, noptions, &broker->settings) != OK)
		goto out;
	broker->now_s = time_now_us() / 1000000;
	broker->open = !broker->settings.gate;
	rc = callbacks_register(identifier, broker);
	if (rc != MOSQ_ERR_SUCCESS)
		goto out;
	*userdata = broker;
	log_info("plugin is ready");
	return MOSQ_ERR_SUCCESS;
out:
	broker_free(broker);
	return rc;
}

/* The broker asks nothing any more after this, so the callbacks need not be taken back. */
EXPORT int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int noptions)
{
	(void)options, (void)noptions;
	if (userdata)
		broker_free(userdata);
	return MOSQ_ERR_SUCCESS;
}
