/*
 * An event on its way from a commit to a client (web/api/asyncapi.yaml).
 *
 * In the WAL it is a record: the content of pg_logical_emit_message(true, 'parley', …), JSON with
 *	{"type","event_id","at","conversation_id","rev","to":[user ids],"data":{…}}
 * where times are as PostgreSQL writes them into JSON, rev is null for receipts, and data is
 *	message.*		the columns of the message: id conversation_id seq rev sender_id type body ciphertext
 *				metadata (a string holding JSON, or null) reply_to created_at edited_at deleted_at, and of
 *				some extra (a string holding JSON: message_extra_read) and status (a number: 0 sent);
 *				and beside "to", for those who have reacted and are then not in it,
 *				"reactors":[{"emojis":"👍 🎉","to":[user ids]}], or null, those of most first
 *	receipt.*		{"user_id","seq"}
 *	conversation.created	the columns of the conversation and "members":[…], null above 100 of them
 *	conversation.updated	the columns of the conversation
 *	conversation.deleted	as they were, to who was in it until then
 *	member.*		the member's user_id display_name avatar_url role last_read_seq last_delivered_seq
 * Some are for the plugin alone, and have no conversation, recipients or data:
 *	session.revoked		"user_id", and "session_ids":[…], which have ended; "until": when the last token of an
 *				identity provider that speaks of one of them ends, or null
 *	user.barred		"user_id", as which nobody may come in: disabled, or erased
 *	user.unbarred		"user_id", enabled again
 *	user.blocked		"user_id" has blocked "blocked_id"
 *	user.unblocked		and does so no longer
 *	identity.keys		other keys of an identity provider
 * Typing is an event without a record: it is never in the database.
 * To clients it is what event_write writes; "data" comes from the writers of lib/model, so that it has the
 * same bytes as the answer of REST.
 */
#ifndef LIB_MODEL_EVENT_H
#define LIB_MODEL_EVENT_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/id.h"
#include "lib/model/conversation.h"
#include "lib/model/member.h"
#include "lib/model/message.h"
#include "lib/text.h"
#include "lib/topic.h"

enum event_type {
	EVENT_MESSAGE_CREATED,
	EVENT_MESSAGE_UPDATED,
	EVENT_MESSAGE_DELETED,
	EVENT_RECEIPT_DELIVERED,
	EVENT_RECEIPT_READ,
	EVENT_CONVERSATION_CREATED,
	EVENT_CONVERSATION_UPDATED,
	EVENT_CONVERSATION_DELETED,
	EVENT_MEMBER_ADDED,
	EVENT_MEMBER_UPDATED,
	EVENT_MEMBER_REMOVED,
	EVENT_TYPING_STARTED,
	EVENT_TYPING_STOPPED,
	EVENT_SESSION_REVOKED,
	EVENT_USER_BARRED,
	EVENT_USER_UNBARRED,
	EVENT_USER_BLOCKED,
	EVENT_USER_UNBLOCKED,
	EVENT_IDENTITY_KEYS,
	EVENT__MAX
};

/* What each type is: its name, the topic that carries it, and what its data is made of. */
enum event_data {
	EVENT_DATA_MESSAGE,
	EVENT_DATA_RECEIPT,
	EVENT_DATA_CONVERSATION, /* with its members */
	EVENT_DATA_COLUMNS,	 /* a conversation, of itself alone */
	EVENT_DATA_MEMBER,
	EVENT_DATA_TYPING,
	/* for the plugin alone */
	EVENT_DATA_REVOCATION,
	EVENT_DATA_BAR,
	EVENT_DATA_BLOCK,
	EVENT_DATA_KEYS
};

struct event_info {
	const char *name;
	enum topic_name topic; /* TOPIC__MAX: none, it is not for clients */
	enum event_data data;
};
extern const struct event_info event_infos[EVENT__MAX];

struct receipt {
	struct uuid user_id;
	int64_t seq;
};

struct typing_data {
	struct uuid user_id;
};

struct revocation {
	struct uuid user_id;
	struct uuid *session_ids;
	size_t nsessions;
	int64_t until_us; /* TIME_NONE: tokens of ours alone */
};

struct bar {
	struct uuid user_id;
};

struct block {
	struct uuid user_id;
	struct uuid blocked_id;
};

/* To whom a message shows some of its reactions as their own: all who have reacted alike. */
struct event_view {
	struct str mine; /* as of struct message */
	struct uuid *recipients;
	size_t nrecipients;
};

struct event {
	enum event_type type;
	struct uuid event_id;
	int64_t at_us;
	struct uuid conversation_id;
	int64_t rev;		 /* 0: none */
	struct uuid *recipients; /* members when it was committed; without those of views */
	size_t nrecipients;
	struct event_view *views; /* of a message */
	size_t nviews;
	union {
		struct message message;
		struct receipt receipt;
		struct conversation conversation;
		struct member member;
		struct typing_data typing;
		struct revocation revocation;
		struct bar bar;
		struct block block;
	} data;
};

/* A record of the WAL to an event on the arena; record must live as long. ERR_INVALID_INPUT when it is
 * none: of a type that is not known, or with a field missing; *why (a literal) says which. */
must_check enum err event_read(
	struct arena *arena, struct str record, struct event *out, const char **why);

/* The payload that clients receive; not of what is for the plugin alone. Of a message as it is for event->recipients. */
void event_write(struct buf *buf, const struct event *event);

/* The same of a message, as it is for those of view. */
void event_write_view(struct buf *buf, const struct event *event, const struct event_view *view);

/* The payload that tells clients to sync: "sync.required". reason: for logs. */
void event_write_sync(struct buf *buf, const char *reason);

#endif
