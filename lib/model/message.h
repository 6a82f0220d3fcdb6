/* A message, as clients see one and as they send one (web/api/openapi.yaml). */
#ifndef LIB_MODEL_MESSAGE_H
#define LIB_MODEL_MESSAGE_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

enum {
	MESSAGE_TYPE_MAX_BYTES = 64,
	MESSAGE_DIGEST_BYTES = 16,
	MESSAGE_ATTACHMENTS_MAX = 32,
};

/* The life of a message as its recipients have it. */
enum message_status {
	MESSAGE_SENT,
	MESSAGE_DELIVERED,
	MESSAGE_READ
};

struct message {
	struct uuid id;
	struct uuid conversation_id;
	int64_t seq;
	int64_t rev;	       /* of the conversation, when this message last changed */
	struct uuid sender_id; /* nil: a system message */
	struct str type;
	struct str body;       /* none: ptr NULL, as all below */
	struct str ciphertext; /* base64, as it was sent */
	struct str metadata;   /* JSON object */
	struct uuid reply_to;
	struct str quoted;	/* JSON object: what reply_to is, where the reader may read that */
	struct str attachments; /* JSON array */
	struct str reactions;	/* each and how many have it, "👍 2 🎉 1" */
	struct str mine;	/* those of the reader, "👍 🎉" */
	int64_t created_at_us;
	int64_t edited_at_us; /* or TIME_NONE, as below */
	int64_t deleted_at_us;
	enum message_status status;
};

/* The caps of what may be sent, from the configuration. */
struct message_limits {
	size_t body_max_bytes;
	size_t ciphertext_max_bytes;
	size_t metadata_max_bytes;
};

struct message_limits message_limits_of(const struct conf *conf);

struct message_new {
	struct uuid id; /* nil: the server chooses */
	struct str type;
	struct str body;
	struct str ciphertext;
	struct str metadata;
	struct uuid reply_to;
	struct uuid *attachments; /* on the arena, no two alike */
	size_t nattachments;
	uint8_t digest[MESSAGE_DIGEST_BYTES]; /* of the content as values: tells a retry from a
						 reuse */
};

/* Reads what was sent; body is the top-level value of document. Every fault goes to faults. */
void message_new_read(struct arena *arena, const struct json *body, struct str document,
	const struct message_limits *limits, struct faults *faults, struct message_new *out);

/* A change of what was sent: what is there takes the place of what the message has; ptr NULL clears it. */
struct message_change {
	bool has_body;
	struct str body;
	bool has_ciphertext;
	struct str ciphertext;
	bool has_metadata;
	struct str metadata;
};

/* Reads one; document is the body as it came. Every fault goes to faults, also when it names nothing. */
void message_change_read(const struct json *body, struct str document,
	const struct message_limits *limits, struct faults *faults, struct message_change *out);

/* Puts it onto a message. False: that is the same as before, as values, or no message any more (noted in faults). */
bool message_change_apply(struct arena *arena, const struct message_change *change,
	struct faults *faults, struct message *message);

/* The parts that few messages have, as the database gives them together (message_extra of sql/function/message.sql): JSON with "quoted",
 * "attachments", "reactions" and "mine". They are slices of extra; ptr NULL: it has none of them. ERR_INVALID_INPUT: it is
 * not such JSON. */
must_check enum err message_extra_read(struct str extra, struct message *out);

/* The one spelling of a message in JSON: REST, sync and events. */
void message_write(struct buf *buf, const struct message *message);

/* "sent", "delivered", "read" */
const char *message_status_name(enum message_status status);

#endif
