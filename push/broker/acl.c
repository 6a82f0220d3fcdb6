/*
 * Topic rights, see the header. The rights of users are those of lib/topic.h.
 */
#include "push/broker/acl.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include "lib/topic.h"
#include "push/broker/command.h"

/* users/<any>/commands/…, as the filter says */
static bool is_command(struct str topic)
{
	struct str users = STR("users/");
	if (!str_starts(topic, users))
		return false;
	const char *level = memchr(topic.ptr + users.len, '/', topic.len - users.len);
	if (!level)
		return false;
	struct str rest = { level, topic.len - (size_t)(level - topic.ptr) };
	return str_starts(rest, STR("/commands/"));
}

static bool push_allows(int access, struct str topic, bool retain)
{
	switch (access) {
	case MOSQ_ACL_WRITE:
		return !retain && str_equal(topic, STR(TOPIC_CONTROL));
	case MOSQ_ACL_SUBSCRIBE:
		return str_equal(topic, STR(TOPIC_COMMANDS)) ||
		       str_equal(topic, STR(TOPIC_IDENTITY));
	case MOSQ_ACL_READ:
		return is_command(topic) || str_equal(topic, STR(TOPIC_IDENTITY));
	case MOSQ_ACL_UNSUBSCRIBE:
		return true;
	default:
		return false;
	}
}

bool acl_allows(
	const struct client *client, int access, struct str topic, bool retain, int64_t now_s)
{
	if (!client || client->revoked)
		return false;
	if (!client->user)
		return push_allows(access, topic, retain);

	const struct uuid *user = &client->user->id;
	switch (access) {
	case MOSQ_ACL_READ:
		return topic_may_read(topic, user);
	case MOSQ_ACL_WRITE:
		return !retain && client->expires_at_s > now_s && topic_may_write(topic, user);
	case MOSQ_ACL_SUBSCRIBE:
		return topic_may_subscribe(topic, user);
	case MOSQ_ACL_UNSUBSCRIBE:
		return true;
	default:
		return false;
	}
}

/* Does parley-push take commands? It subscribes to them last. */
static void push_note(struct broker *broker, struct client *push, int access, struct str topic)
{
	bool is_subscription = access == MOSQ_ACL_SUBSCRIBE || access == MOSQ_ACL_UNSUBSCRIBE;
	if (!is_subscription || !str_equal(topic, STR(TOPIC_COMMANDS)))
		return;
	if (access == MOSQ_ACL_SUBSCRIBE && !push->listening)
		identity_listen(broker);
	client_listen(&broker->clients, push, access == MOSQ_ACL_SUBSCRIBE);
}

/* Is it the presence of somebody who has blocked the user? */
static bool is_hidden(const struct blocked *blocked, const struct uuid *user, struct str topic)
{
	struct uuid watched;
	return topic_presence_of(topic, &watched) && blocked_covers(blocked, &watched, user);
}

int acl_check(int event, void *data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_acl_check *check = data;
	struct broker *broker = userdata;
	struct client *client = client_find(&broker->clients, check->client);
	struct str topic = str_of(check->topic);
	bool allowed = acl_allows(client, check->access, topic, check->retain, broker->now_s);
	if (allowed && !client->user)
		push_note(broker, client, check->access, topic);
	else if (allowed && check->access == MOSQ_ACL_WRITE)
		allowed = command_admit(broker, client->user, topic,
			(struct str){ check->payload, check->payloadlen });
	else if (allowed && check->access != MOSQ_ACL_UNSUBSCRIBE)
		allowed = !is_hidden(&broker->blocked, &client->user->id, topic);
	return allowed ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}
