/*
 * The way of a command; see the header. Called by mqtt.c with what comes, and by the pipeline with what it came to.
 */
#include "push/command/command.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/log.h"
#include "lib/model/problem.h"
#include "lib/model/reply.h"
#include "lib/shm.h"
#include "lib/time.h"

enum {
	PAYLOAD_MAX_BYTES = 256 * 1024, /* as the body of a message over REST */
	PENDING_MAX = 4096,
	PENDING_MAX_BYTES = 64 * 1024 * 1024,
	PENDING_EACH_MAX = 64, /* of one person */
	FREE_MAX = 64,
	PEOPLE_SLOTS = 8192,
	KEEP_BYTES = 4096,
};

struct commands {
	struct commands_parts parts;
	struct shm
		*limits; /* buckets of its own: REST's are counted on the hosts that serve REST */
	struct command *free;
	size_t nfree;
	size_t count;
	size_t bytes;
	struct buf reply;
	struct arena *reading; /* of the command that is being read */
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	/* how many of a person's are under way, by a hash of its id: who shares a slot shares the bound */
	uint16_t people[PEOPLE_SLOTS];
};

/* Call signalling is not there yet, and says so. */
static enum err call_command(struct command *command)
{
	(void)command;
	return ERR_NOT_FOUND;
}

static const struct command_row rows[] = {
	{ "send", message_command, RATE_SEND, false, METRIC_COMMANDS_SEND },
	{ "receipt", receipt_command, RATE_WRITE, false, METRIC_COMMANDS_RECEIPT },
	{ "typing", typing_command, RATE_TYPING, true, METRIC_COMMANDS_TYPING },
	{ "call", call_command, RATE_WRITE, false, METRIC_COMMANDS_CALL },
};
enum {
	NROWS = sizeof(rows) / sizeof(rows[0])
};

/* --- whose and what ----------------------------------------------------------------------------- */

/* users/<id>/commands/<name>; NULL: nothing of ours. */
static const struct command_row *topic_read(struct str topic, struct uuid *user)
{
	struct str users = STR("users/"), middle = STR("/commands/");
	if (topic.len <= users.len + UUID_TEXT_LEN + middle.len || !str_starts(topic, users) ||
		uuid_parse((struct str){ topic.ptr + users.len, UUID_TEXT_LEN }, user) != OK)
		return NULL;
	topic.ptr += users.len + UUID_TEXT_LEN;
	topic.len -= users.len + UUID_TEXT_LEN;
	if (!str_starts(topic, middle))
		return NULL;
	struct str name = { topic.ptr + middle.len, topic.len - middle.len };
	for (size_t i = 0; i < NROWS; i++) {
		if (str_equal(name, str_of(rows[i].name)))
			return &rows[i];
	}
	return NULL;
}

static uint16_t *person_slot(struct commands *commands, const struct uuid *user)
{
	uint64_t hash;
	crypto_shorthash(
		(unsigned char *)&hash, user->bytes, sizeof(user->bytes), commands->hash_key);
	return &commands->people[hash % PEOPLE_SLOTS];
}

static uint64_t lane_of(const struct uuid *conversation)
{
	uint64_t lane;
	memcpy(&lane, conversation->bytes + sizeof(conversation->bytes) - sizeof(lane),
		sizeof(lane));
	return lane;
}

/* --- the life of a command ---------------------------------------------------------------------- */

static struct command *command_make(struct commands *commands, const struct command_row *row,
	const struct uuid *user, struct str payload)
{
	struct command *command = commands->free;
	struct arena *arena;
	if (command != NULL) {
		commands->free = command->next;
		commands->nfree--;
		arena = command->arena;
	} else {
		command = malloc(sizeof(*command));
		arena = arena_new();
	}
	if (command == NULL)
		fatal("out of memory");
	*command = (struct command){
		.commands = commands,
		.row = row,
		.user_id = *user,
		.arena = arena,
		.document = { arena_strndup(arena, payload.ptr, payload.len), payload.len },
		.taken_us = time_mono_us(),
	};
	commands->count++;
	commands->bytes += payload.len;
	(*person_slot(commands, user))++;
	return command;
}

static void command_end(struct command *command, int status)
{
	struct commands *commands = command->commands;
	char user[UUID_TEXT_LEN + 1];
	if (commands->parts.conf->access_log) {
		uuid_format(&command->user_id, user);
		log_info("command", LOG_STR("command", command->row->name),
			LOG_STR("user_id", user), LOG_INT("status", status),
			LOG_INT("duration_us", time_mono_us() - command->taken_us));
	}
	commands->count--;
	commands->bytes -= command->document.len;
	(*person_slot(commands, &command->user_id))--;
	arena_reset(command->arena);
	if (commands->nfree == FREE_MAX) {
		arena_free(command->arena);
		free(command);
		return;
	}
	command->next = commands->free;
	commands->free = command;
	commands->nfree++;
}

/* Without a broker it is lost, and the client, which has lost it too, asks again. */
static void reply_send(struct commands *commands, const struct uuid *user)
{
	struct delivery delivery = {
		.topic = TOPIC_REPLIES,
		.qos = 1,
		.recipients = user,
		.nrecipients = 1,
		.payload = { commands->reply.data, commands->reply.len },
	};
	if (mqtt_ready(commands->parts.mqtt) &&
		fanout_deliver(commands->parts.fanout, &delivery, false) != OK)
		log_error("an answer to a command is too large");
}

void command_done(struct command *command)
{
	command_end(command, 204);
}

struct buf *command_reply_begin(struct command *command)
{
	buf_reset(&command->commands->reply, KEEP_BYTES);
	return &command->commands->reply;
}

void command_reply(struct command *command, int status)
{
	reply_send(command->commands, &command->user_id);
	command_end(command, status);
}

static void problem_send(
	struct commands *commands, const struct uuid *user, const struct reply_problem *problem)
{
	buf_reset(&commands->reply, KEEP_BYTES);
	reply_write_problem(&commands->reply, problem);
	reply_send(commands, user);
	commands->parts.metrics->values[METRIC_COMMANDS_REFUSED]++;
}

void command_fail(struct command *command, enum err err)
{
	struct reply_problem problem = {
		.command = command->row->name,
		.id = command->id,
		.err = err,
		.faults = &command->faults,
	};
	problem_send(command->commands, &command->user_id, &problem);
	command_end(command, problem_infos[err].status);
}

const struct commands_parts *commands_parts(const struct commands *commands)
{
	return &commands->parts;
}

struct arena *commands_reading(const struct commands *commands)
{
	return commands->reading;
}

void command_read_conversation(struct command *command)
{
	json_read_uuid(command->json, "conversation_id", JSON_REQUIRED, &command->faults,
		&command->conversation_id);
}

void command_submit(struct command *command, struct call call, pipeline_answer answer)
{
	command->pending.call = call;
	command->pending.lane = lane_of(&command->conversation_id);
	command->pending.answer = answer;
	command->pending.ctx = command;
	command->tries++;
	pipeline_submit(command->commands->parts.pipeline, &command->pending, time_mono_us());
}

/* --- from the broker ---------------------------------------------------------------------------- */

/* What can be read of it, so that the client knows which of its commands is meant. */
static void id_read(struct command *command)
{
	struct uuid id;
	if (uuid_parse(json_str(json_get(command->json, "id")), &id) == OK)
		command->id = id;
}

static enum err command_run(struct command *command)
{
	char why[JSON_WHY_BYTES];
	enum err err = json_parse(
		command->commands->reading, command->document, JSON_DEPTH_MAX, why, &command->json);
	if (err != OK)
		return err;
	id_read(command);
	if (!json_read_top(command->json, &command->faults))
		return ERR_INVALID_INPUT;
	return command->row->run(command);
}

/* Is there room for one more? retry_after_s: when it is the person's own doing. */
static enum err room_take(struct commands *commands, const struct command_row *row,
	const struct uuid *user, struct str payload, uint32_t *retry_after_s)
{
	double scale = commands->parts.conf->rate_scale;
	if (payload.len > PAYLOAD_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (scale > 0) {
		struct rate_limit limit = rate_limit_of(row->rate, scale);
		struct str key = { (const char *)user->bytes, sizeof(user->bytes) };
		struct rate_answer answer =
			rate_take(commands->limits, &limit, key, time_mono_us());
		*retry_after_s = answer.retry_after_s;
		if (!answer.allowed)
			return ERR_RATE_LIMITED;
	}
	if (*person_slot(commands, user) >= PENDING_EACH_MAX) {
		*retry_after_s = 1;
		return ERR_RATE_LIMITED;
	}
	if (commands->count >= PENDING_MAX || commands->bytes + payload.len > PENDING_MAX_BYTES)
		return ERR_UNAVAILABLE;
	return OK;
}

/* Refused before it became a command: its id is read off the text, if that is JSON. */
static void turn_away(struct commands *commands, const struct command_row *row,
	const struct uuid *user, struct str payload, enum err err, uint32_t retry_after_s)
{
	struct reply_problem problem = {
		.command = row->name, .err = err, .retry_after_s = retry_after_s
	};
	char why[JSON_WHY_BYTES];
	struct str raw;
	struct uuid id;
	if (err == ERR_RATE_LIMITED && row->limited_silently)
		return;
	if (payload.len <= PAYLOAD_MAX_BYTES && json_scan(payload, JSON_DEPTH_MAX, why) == OK &&
		json_raw(payload, "id", &raw) && raw.len == UUID_TEXT_LEN + 2 &&
		uuid_parse((struct str){ raw.ptr + 1, UUID_TEXT_LEN }, &id) == OK)
		problem.id = id;
	problem_send(commands, user, &problem);
}

void commands_take(void *ctx, struct str topic, struct str payload, bool retained)
{
	struct commands *commands = ctx;
	struct uuid user;
	uint32_t retry_after_s = 0;
	const struct command_row *row = topic_read(topic, &user);
	if (row == NULL || retained)
		return;
	commands->parts.metrics->values[row->metric]++;
	enum err err = room_take(commands, row, &user, payload, &retry_after_s);
	if (err != OK) {
		turn_away(commands, row, &user, payload, err, retry_after_s);
		return;
	}
	struct command *command = command_make(commands, row, &user, payload);
	err = command_run(command);
	if (err != OK)
		command_fail(command, err);
	arena_reset(commands->reading);
}

/* --- start and end ------------------------------------------------------------------------------ */

struct commands *commands_new(const struct commands_parts *parts)
{
	struct commands *commands = calloc(1, sizeof(*commands));
	if (commands == NULL || shm_private(&commands->limits) != OK)
		fatal("out of memory");
	commands->parts = *parts;
	commands->reading = arena_new();
	randombytes_buf(commands->hash_key, sizeof(commands->hash_key));
	return commands;
}

void commands_free(struct commands *commands)
{
	if (commands == NULL)
		return;
	for (struct command *command = commands->free, *next; command != NULL; command = next) {
		next = command->next;
		arena_free(command->arena);
		free(command);
	}
	arena_free(commands->reading);
	buf_free(&commands->reply);
	free(commands);
}

void commands_serve(struct commands *commands, bool serve)
{
	mqtt_subscribe(commands->parts.mqtt, TOPIC_COMMANDS, serve);
}

size_t commands_count(const struct commands *commands)
{
	return commands->count;
}
