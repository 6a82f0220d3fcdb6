/* A conversation, its members, and one's own place in it (web/api/openapi.yaml). */
#ifndef LIB_MODEL_CONVERSATION_H
#define LIB_MODEL_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/model/member.h"
#include "lib/model/message.h"
#include "lib/text.h"

enum {
	TITLE_MAX_CHARS = 128,
	EXTERNAL_REF_MAX_BYTES = 255,
};

enum conversation_kind {
	CONVERSATION_DIRECT,
	CONVERSATION_GROUP,
	CONVERSATION_KIND__MAX
};

struct conversation {
	struct uuid id;
	enum conversation_kind kind;
	struct str title;
	struct str avatar_url;
	struct str external_ref;
	struct uuid created_by;
	int64_t created_at_us;
	int64_t last_activity_at_us;
	int64_t last_seq;
	int64_t rev;
	int64_t member_count;
	const struct member *members; /* NULL: left out */
	size_t nmembers;
	const struct membership *me;	    /* NULL: left out, as in events */
	const struct message *last_message; /* NULL: none that the caller may see */
};

struct conversation_new {
	enum conversation_kind kind;
	struct str title;
	struct str avatar_url;
	struct str external_ref;
	bool history_all;	 /* a new member sees what was before it */
	struct uuid *member_ids; /* on the arena, without repeats and without the caller */
	size_t nmembers;
};

/* PATCH /conversations/{conversation}: which were sent, and what to; a sent null clears. */
struct conversation_change {
	bool has_title, has_avatar_url;
	struct str title, avatar_url;
};

const char *conversation_kind_name(enum conversation_kind kind);

/* ERR_INVALID_INPUT for a name that is none. */
must_check enum err conversation_kind_parse(struct str name, enum conversation_kind *out);

/* POST /conversations. members_max counts the caller. */
void conversation_new_read(struct arena *arena, const struct json *body, const struct uuid *caller,
	size_t members_max, struct faults *faults, struct conversation_new *out);

/* Leaves of ids those without repeats and the caller, in order, so that two requests that name the same people take their rows in the
 * same order; how many stay. */
size_t members_unique(struct uuid *ids, size_t count, const struct uuid *caller);

void conversation_change_read(
	const struct json *body, struct faults *faults, struct conversation_change *out);

/* One conversation in full. */
void conversation_write(struct buf *buf, const struct conversation *conversation);

/* What it is in itself: without its members, one's own place in it and its latest message. */
void conversation_write_columns(struct buf *buf, const struct conversation *conversation);

#endif
