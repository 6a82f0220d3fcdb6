/*
 * Presence, see the header. Connections are counted by their handle: at a takeover the new one
 * begins before the old one ends, so the count does not touch zero and nothing is said.
 */
#include "push/broker/presence.h"

#include <stdio.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/broker/publish.h"

static void presence_publish(struct user *user, bool online, int64_t since_us)
{
	char topic[TOPIC_USER_BYTES], id[UUID_TEXT_LEN + 1], since[TIME_TEXT_LEN + 1];
	char payload[160];
	topic_presence(&user->id, topic);
	uuid_format(&user->id, id);
	time_format(since_us, since);
	int len = snprintf(payload, sizeof(payload),
		"{\"user_id\":\"%s\",\"status\":\"%s\",\"since\":\"%s\"}", id,
		online ? "online" : "offline", since);
	if (broker_publish(topic, (struct str){ payload, (size_t)len }, 1, true, 0) != OK)
		log_error("out of memory, presence is not published");
	user->online = online;
}

void presence_begin(struct user *user)
{
	if (!user->online)
		presence_publish(user, true, time_now_us());
}

int presence_disconnect(int event, void *data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_disconnect *disconnect = data;
	struct broker *broker = userdata;
	client_leave(&broker->clients, disconnect->client, time_now_us(),
		time_mono_us() + broker->settings.grace_us);
	return MOSQ_ERR_SUCCESS;
}

void presence_tick(struct broker *broker, int64_t now_us)
{
	struct clients *clients = &broker->clients;
	struct user *user;
	while ((user = user_due(&clients->leaving, now_us))) {
		presence_publish(user, false, user->left_at_us);
		user_gone(clients, user, now_us + USER_KEPT_US);
	}
	while ((user = user_due(&clients->gone, now_us)))
		user_drop(clients, user);
}
