/*
 * Commands of users, see the header. Asked from the check of a write, as that sees the payload and
 * comes for wills too, which MOSQ_EVT_MESSAGE of 2.0.11 does not.
 */
#include "push/broker/command.h"

#include <stdio.h>

#include "lib/json_scan.h"
#include "lib/log.h"
#include "lib/model/problem.h"
#include "lib/time.h"
#include "push/broker/publish.h"

enum {
	/* An answer costs more than a refusal: strict JSON of 256 KiB can take milliseconds. */
	ANSWERS_PER_S = 10,
	ANSWERS_BURST = 100,
	RETRY_AFTER_S = 1,
	REPLY_MAX = 1024,
	TOLD_EVERY_US = 1000 * 1000,
	US_PER_S = 1000 * 1000,
};

static const struct command_row {
	const char *name; /* the last level of its topic */
	bool answered;	  /* whatever comes of it; the others only when they are bad */
} commands[] = {
	{ "send", true },
	{ "receipt", false },
	{ "typing", false },
	{ "call", true },
};
enum {
	NCOMMANDS = sizeof(commands) / sizeof(commands[0])
};

static const struct command_row *command_of(struct str topic)
{
	for (int i = 0; i < NCOMMANDS; i++) {
		struct str name = str_of(commands[i].name);
		if (topic.len > name.len && topic.ptr[topic.len - name.len - 1] == '/' &&
			memcmp(topic.ptr + topic.len - name.len, name.ptr, name.len) == 0)
			return &commands[i];
	}
	return NULL;
}

/* The "id" of a command, when it is JSON and has one. */
static bool id_read(struct str payload, struct uuid *out)
{
	char why[JSON_WHY_BYTES];
	struct str raw;
	return json_scan(payload, JSON_DEPTH_MAX, why) == OK && json_raw(payload, "id", &raw) &&
	       raw.ptr[0] == '"' && uuid_parse(json_inside(raw), out) == OK;
}

/* The bytes of reply_write_problem, written without its buffer, which ends the process when memory
 * does. The texts are the table's and need no escaping. id: NULL when none could be read. */
static size_t reply_write(
	const char *command, const struct uuid *id, enum err err, char out[REPLY_MAX])
{
	const struct problem_info *info = &problem_infos[err];
	char text[UUID_TEXT_LEN + 1], id_member[sizeof("\"id\":\"\",") + UUID_TEXT_LEN] = "";
	char retry_member[32] = "";
	if (id) {
		uuid_format(id, text);
		snprintf(id_member, sizeof(id_member), "\"id\":\"%s\",", text);
	}
	if (err == ERR_RATE_LIMITED || err == ERR_UNAVAILABLE)
		snprintf(retry_member, sizeof(retry_member), ",\"retry_after\":%d", RETRY_AFTER_S);
	int len = snprintf(out, REPLY_MAX,
		"{\"command\":\"%s\",%s\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
		"\"code\":\"%s\",\"detail\":\"%s\"%s}",
		command, id_member, info->title, info->status, info->code, info->detail,
		retry_member);
	return len > 0 && len < REPLY_MAX ? (size_t)len : 0;
}

static void answer(struct user *user, const struct command_row *command, struct str payload,
	enum err err, int64_t now_us)
{
	struct uuid id;
	char reply[REPLY_MAX], topic[TOPIC_USER_BYTES];
	if (!bucket_take(&user->answers, now_us, US_PER_S / ANSWERS_PER_S, ANSWERS_BURST))
		return;
	bool has_id = id_read(payload, &id);
	size_t len = reply_write(command->name, has_id ? &id : NULL, err, reply);
	topic_user(&user->id, TOPIC_REPLIES, topic);
	if (broker_publish(topic, (struct str){ reply, len }, 1, false, 0) != OK)
		log_error("out of memory, a command is not answered");
}

static bool is_too_many(const struct broker *broker, struct user *user, int64_t now_us)
{
	int64_t per_s = broker->settings.commands_per_s;
	return per_s > 0 &&
	       !bucket_take(&user->commands, now_us, US_PER_S / per_s, per_s * COMMANDS_BURST_S);
}

bool command_admit(struct broker *broker, struct user *user, struct str topic, struct str payload)
{
	const struct command_row *command = command_of(topic);
	int64_t now_us = time_mono_us();
	if (!command)
		return false;
	if (is_too_many(broker, user, now_us)) {
		broker->commands_refused++;
		broker->commands_refused_of = user->id;
		if (command->answered)
			answer(user, command, payload, ERR_RATE_LIMITED, now_us);
		return false;
	}
	if (payload.len > COMMAND_BYTES_MAX) {
		answer(user, command, payload, ERR_TOO_LARGE, now_us);
		return false;
	}
	/* Goes on all the same, to nobody: so MQTT 5 has a reason that fits. */
	if (command->answered && broker->clients.nlistening == 0)
		answer(user, command, payload, ERR_UNAVAILABLE, now_us);
	return true;
}

void command_tick(struct broker *broker, int64_t now_us)
{
	if (broker->commands_refused == 0 || now_us - broker->commands_told_us < TOLD_EVERY_US)
		return;
	char user[UUID_TEXT_LEN + 1];
	uuid_format(&broker->commands_refused_of, user);
	log_info("too many commands, refused", LOG_INT("count", broker->commands_refused),
		LOG_STR("last_user", user));
	broker->commands_refused = 0;
	broker->commands_told_us = now_us;
}
