/*
 * commands/send: a message as POST …/messages takes it, with conversation_id and id beside it.
 */
#include "push/command/command.h"

#include "lib/model/reply.h"
#include "sql/store/message.h"

enum {
	TRIES_MAX = 3
};

static void message_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct command *command = ctx;
	const struct message_new *message = &command->what.message;
	struct message_sent sent;
	if (err == ERR_CONFLICT && command->tries < TRIES_MAX) {
		/* a twin has just committed: now it is found */
		command_submit(command, command->pending.call, message_answered);
		return;
	}
	if (err == OK)
		err = message_send_answer(command->arena, rows, &command->faults, &sent);
	if (err != OK) {
		command_fail(command, err);
		return;
	}
	struct reply_sent reply = {
		.id = message->id,
		.conversation_id = command->conversation_id,
		.created = sent.created,
		.seq = sent.seq,
		.rev = sent.rev,
		.created_at_us = sent.created_at_us,
	};
	reply_write_sent(command_reply_begin(command), &reply);
	command_reply(command, sent.created ? 201 : 200);
}

/* Until the command is answered. */
static void text_keep(struct arena *arena, struct str *text)
{
	if (text->ptr != NULL)
		text->ptr = arena_strndup(arena, text->ptr, text->len);
}

static void ids_keep(struct arena *arena, struct message_new *message)
{
	struct uuid *ids = arena_calloc(arena, message->nattachments + 1, sizeof(*ids));
	for (size_t i = 0; i < message->nattachments; i++)
		ids[i] = message->attachments[i];
	message->attachments = ids;
}

enum err message_command(struct command *command)
{
	struct message_limits limits = message_limits_of(commands_parts(command->commands)->conf);
	struct message_new *message = &command->what.message;
	command_read_conversation(command);
	if (json_get(command->json, "id") == NULL)
		fault_add(&command->faults, "id", "required",
			"A command needs one, to be sent again safely.");
	message_new_read(commands_reading(command->commands), command->json, command->document,
		&limits, &command->faults, message);
	if (command->faults.count > 0)
		return ERR_INVALID_INPUT;
	/* the metadata is of the document */
	text_keep(command->arena, &message->type);
	text_keep(command->arena, &message->body);
	text_keep(command->arena, &message->ciphertext);
	ids_keep(command->arena, message);
	command_submit(command,
		message_send_call(
			command->arena, &command->conversation_id, &command->user_id, message),
		message_answered);
	return OK;
}
