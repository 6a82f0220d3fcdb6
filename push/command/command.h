/*
 * Commands over MQTT: what clients publish to users/<id>/commands/<name> (web/api/asyncapi.yaml). Each is read and
 * checked by the code that reads the body of the REST request of the same meaning, run by the same store, and answered
 * on users/<id>/replies after its commit. command.c is the way of a command through its row; what is special to one
 * is in <noun>.c beside it.
 *
 * The broker vouches for the user: only <id> may publish there. A client that gets no answer sends again: the id that
 * it chose makes the repeat harmless.
 */
#ifndef PUSH_COMMAND_COMMAND_H
#define PUSH_COMMAND_COMMAND_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/fault.h"
#include "lib/json_read.h"
#include "lib/model/message.h"
#include "lib/rate.h"
#include "push/fanout.h"
#include "push/metrics.h"
#include "push/mqtt.h"
#include "push/typing.h"
#include "sql/pipeline.h"
#include "sql/store/receipt.h"

struct commands;

/* --- for main.c -------------------------------------------------------------------------------- */

/* What commands need; everything is borrowed. */
struct commands_parts {
	const struct conf *conf;
	struct mqtt *mqtt;
	struct fanout *fanout;
	struct pipeline *pipeline;
	struct typing *typing;
	struct metrics *metrics;
};
struct commands *commands_new(const struct commands_parts *parts);

/* After pipeline_free, which answers what is under way. */
void commands_free(struct commands *commands);

/* Takes commands from now on, or none any more: of several daemons the one that streams serves. */
void commands_serve(struct commands *commands, bool serve);

/* A publish of a client; of the type mqtt_received. */
void commands_take(void *ctx, struct str topic, struct str payload, bool retained);

/* Commands that are not answered yet. */
size_t commands_count(const struct commands *commands);

/* --- for the nouns ------------------------------------------------------------------------------ */

struct command;

/* Reads and checks command->json and submits what it asks for, or ends it at once. An error is answered with its problem
 * document. */
typedef enum err (*command_fn)(struct command *command);

struct command_row {
	const char *name;
	command_fn run;
	enum rate rate;
	bool limited_silently; /* too many are dropped without a word */
	enum metric metric;
};

struct command {
	struct pending pending;
	struct commands *commands;
	const struct command_row *row;
	struct uuid user_id;
	struct uuid id; /* that it was sent with; nil: none */
	struct arena *arena;
	struct str document; /* on the arena */
	const struct json *
		json; /* while it is read: a tree is forty times the text, and thousands may wait */
	struct faults faults;
	struct uuid conversation_id;
	int64_t taken_us;
	int tries;
	union {
		struct message_new message;
		struct {
			enum receipt_kind kind;
			int64_t seq;
		} receipt;
	} what;
	struct command *next; /* of those that are free */
};

/* What there is to work with. */
const struct commands_parts *commands_parts(const struct commands *commands);

/* For what is needed while a command is read, as its json is, and no longer. */
struct arena *commands_reading(const struct commands *commands);

/* Reads conversation_id, which every command has. */
void command_read_conversation(struct command *command);

/* Hands the call to the pipeline, in the lane of the conversation; answer is called with the command. */
void command_submit(struct command *command, struct call call, pipeline_answer answer);

/* The end of a command, one of these: it has been done, and nothing is said; it has been done, and what was written to
 * command_reply_begin's buffer is the answer; it cannot be done. The command is gone afterwards. */
void command_done(struct command *command);
struct buf *command_reply_begin(struct command *command);
void command_reply(struct command *command, int status);
void command_fail(struct command *command, enum err err);

/* message.c, receipt.c, typing.c; answers as in asyncapi.yaml. */
must_check enum err message_command(struct command *command);
must_check enum err receipt_command(struct command *command);
must_check enum err typing_command(struct command *command);

#endif
