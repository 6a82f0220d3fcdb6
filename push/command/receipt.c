/*
 * commands/receipt: {"conversation_id","delivered":seq} or {"conversation_id","read":seq}, as POST …/delivered and
 * …/read. Answered only when it is bad: the event is the answer.
 */
#include "push/command/command.h"

#include "sql/store/receipt.h"

/* JSON integers are exact in every client below this (rule 37). */
#define SEQ_MAX (INT64_C(9007199254740991))

static const char *const fields[] = {
	[RECEIPT_DELIVERED] = "delivered",
	[RECEIPT_READ] = "read",
};

static void receipt_answered(void *ctx, enum err err, const struct rows *rows)
{
	struct command *command = ctx;
	struct watermarks marks;
	if (err == OK)
		err = receipt_advance_answer(
			rows, fields[command->what.receipt.kind], &command->faults, &marks);
	if (err != OK)
		command_fail(command, err);
	else
		command_done(command);
}

enum err receipt_command(struct command *command)
{
	struct faults *faults = &command->faults;
	const struct json *delivered = json_get(command->json, fields[RECEIPT_DELIVERED]);
	const struct json *read = json_get(command->json, fields[RECEIPT_READ]);
	enum receipt_kind kind = read != NULL ? RECEIPT_READ : RECEIPT_DELIVERED;
	int64_t seq = 0;
	command_read_conversation(command);
	if (delivered != NULL && read != NULL)
		fault_add(faults, fields[RECEIPT_DELIVERED], "unexpected",
			"read says it already: one of the two.");
	else
		json_read_int(command->json, fields[kind], JSON_REQUIRED, 0, SEQ_MAX, faults, &seq);
	if (faults->count > 0)
		return ERR_INVALID_INPUT;
	command->what.receipt.kind = kind;
	command_submit(command,
		receipt_advance_call(&command->conversation_id, &command->user_id, kind, seq),
		receipt_answered);
	return OK;
}
