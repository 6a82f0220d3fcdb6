/*
 * commands/typing: {"conversation_id","typing":true|false}. Who is told is asked of the database; the rest is
 * push/typing.c. Answered only when it is bad.
 */
#include "push/command/command.h"

#include "lib/time.h"
#include "sql/store/typing.h"

static void typing_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct command *command = ctx;
	struct typing *typing = commands_parts(command->commands)->typing;
	struct uuid *recipients;
	size_t count;
	if (err == OK)
		err = typing_recipients_answer(command->arena, rows, &recipients, &count);
	if (err != OK) {
		typing_forget(typing, &command->conversation_id, &command->user_id);
		command_fail(command, err);
		return;
	}
	if (typing_tell(typing, &command->conversation_id, &command->user_id, recipients, count,
		    time_mono_us()))
		command_done(command);
	else
		command_submit(command, command->pending.call, typing_answered);
}

enum err typing_command(struct command *command)
{
	struct typing *typing = commands_parts(command->commands)->typing;
	bool types = false;
	command_read_conversation(command);
	json_read_bool(command->json, "typing", JSON_REQUIRED, &command->faults, &types);
	if (command->faults.count > 0)
		return ERR_INVALID_INPUT;
	if (!types)
		typing_stop(typing, &command->conversation_id, &command->user_id);
	if (!types || !typing_begin(typing, &command->conversation_id, &command->user_id,
			      time_mono_us())) {
		command_done(command);
		return OK;
	}
	command_submit(command,
		typing_recipients_call(&command->conversation_id, &command->user_id),
		typing_answered);
	return OK;
}
