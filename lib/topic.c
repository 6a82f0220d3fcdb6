/*
 * The topics: who may subscribe to, read and publish what, and how they are spelled. The broker
 * plugin asks at each delivery, so there is nothing here but compares of memory: no allocation, no
 * lock. Denied by default: a topic is allowed only when it is wholly understood.
 */
#include "lib/topic.h"

#include <string.h>

#define USERS "users/"
#define PRESENCE "presence/"

enum {
	USERS_LEN = sizeof(USERS) - 1,
	PRESENCE_LEN = sizeof(PRESENCE) - 1,
	OWN_LEN = USERS_LEN + UUID_TEXT_LEN + 1, /* "users/<id>/" */
};

const char *const topic_names[TOPIC__MAX] = {
	[TOPIC_MESSAGES] = "messages",
	[TOPIC_RECEIPTS] = "receipts",
	[TOPIC_CONVERSATIONS] = "conversations",
	[TOPIC_TYPING] = "typing",
	[TOPIC_NOTIFICATIONS] = "notifications",
	[TOPIC_CALLS] = "calls",
	[TOPIC_REPLIES] = "replies",
	[TOPIC_SYNC] = "sync",
};

/* What a client may publish below its own name. */
static const struct str commands[] = {
	{ "commands/send", 13 },
	{ "commands/receipt", 16 },
	{ "commands/typing", 15 },
	{ "commands/call", 13 },
};

/* What follows "users/<self>/"; none when the topic is not the user's own. */
static struct str own_part(struct str topic, const struct uuid *user)
{
	char self[UUID_TEXT_LEN + 1];
	if (topic.len <= OWN_LEN || memcmp(topic.ptr, USERS, USERS_LEN) != 0 ||
		topic.ptr[OWN_LEN - 1] != '/')
		return (struct str){ NULL, 0 };
	uuid_format(user, self);
	if (memcmp(topic.ptr + USERS_LEN, self, UUID_TEXT_LEN) != 0)
		return (struct str){ NULL, 0 };
	return (struct str){ topic.ptr + OWN_LEN, topic.len - OWN_LEN };
}

bool topic_presence_of(struct str topic, struct uuid *user)
{
	if (topic.len != PRESENCE_LEN + UUID_TEXT_LEN ||
		memcmp(topic.ptr, PRESENCE, PRESENCE_LEN) != 0)
		return false;
	struct str text = { topic.ptr + PRESENCE_LEN, UUID_TEXT_LEN };
	struct uuid id;
	char canonical[UUID_TEXT_LEN + 1];
	if (uuid_parse(text, &id) != OK)
		return false;
	uuid_format(&id, canonical);
	if (memcmp(text.ptr, canonical, UUID_TEXT_LEN) != 0)
		return false;
	*user = id;
	return true;
}

static bool is_presence(struct str topic)
{
	struct uuid user;
	return topic_presence_of(topic, &user);
}

/* One level of a filter: not empty, and a wildcard only alone, '#' only at the end. */
static bool level_ok(struct str level, bool last)
{
	if (level.len == 0)
		return false;
	if (level.len == 1 && level.ptr[0] == '#')
		return last;
	if (level.len == 1 && level.ptr[0] == '+')
		return true;
	return !memchr(level.ptr, '#', level.len) && !memchr(level.ptr, '+', level.len);
}

static bool levels_ok(struct str filter)
{
	for (;;) {
		const char *slash = memchr(filter.ptr, '/', filter.len);
		size_t len = slash ? (size_t)(slash - filter.ptr) : filter.len;
		if (!level_ok((struct str){ filter.ptr, len }, !slash))
			return false;
		if (!slash)
			return true;
		filter.ptr += len + 1;
		filter.len -= len + 1;
	}
}

enum topic_name topic_name_of(struct str name)
{
	for (int i = 0; i < TOPIC__MAX; i++)
		if (str_equal(name, str_of(topic_names[i])))
			return (enum topic_name)i;
	return TOPIC__MAX;
}

void topic_user(const struct uuid *user, enum topic_name name, char out[TOPIC_USER_BYTES])
{
	memcpy(out, USERS, USERS_LEN);
	uuid_format(user, out + USERS_LEN);
	out[OWN_LEN - 1] = '/';
	memcpy(out + OWN_LEN, topic_names[name], strlen(topic_names[name]) + 1);
}

void topic_presence(const struct uuid *user, char out[TOPIC_USER_BYTES])
{
	memcpy(out, PRESENCE, PRESENCE_LEN);
	uuid_format(user, out + PRESENCE_LEN);
}

bool topic_device_ok(struct str device)
{
	if (device.len < 1 || device.len > TOPIC_DEVICE_MAX)
		return false;
	for (size_t i = 0; i < device.len; i++) {
		char c = device.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

bool topic_client_ok(struct str client_id, const struct uuid *user)
{
	char self[UUID_TEXT_LEN + 1];
	if (client_id.len <= UUID_TEXT_LEN + 1 || client_id.ptr[UUID_TEXT_LEN] != '/')
		return false;
	uuid_format(user, self);
	struct str device = { client_id.ptr + UUID_TEXT_LEN + 1,
		client_id.len - UUID_TEXT_LEN - 1 };
	return memcmp(client_id.ptr, self, UUID_TEXT_LEN) == 0 && topic_device_ok(device);
}

bool topic_may_subscribe(struct str filter, const struct uuid *user)
{
	struct str rest = own_part(filter, user);
	return rest.ptr ? levels_ok(rest) : is_presence(filter);
}

bool topic_may_read(struct str topic, const struct uuid *user)
{
	struct str rest = own_part(topic, user);
	if (rest.ptr)
		return !str_starts(rest, STR("commands/"));
	return is_presence(topic);
}

bool topic_may_write(struct str topic, const struct uuid *user)
{
	struct str rest = own_part(topic, user);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (rest.ptr && str_equal(rest, commands[i]))
			return true;
	return false;
}
