/* Somebody in a conversation, as the others see it, and its own view of it (web/api/openapi.yaml). */
#ifndef LIB_MODEL_MEMBER_H
#define LIB_MODEL_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

struct member {
	struct uuid user_id;
	struct str display_name;
	struct str avatar_url;
	struct str role; /* owner, admin, member */
	int64_t last_read_seq;
	int64_t last_delivered_seq;
};

/* One's own view. */
struct membership {
	struct str role;
	int64_t joined_at_us;
	int64_t last_read_seq;
	int64_t last_delivered_seq;
	int64_t unread_count;
	int64_t muted_until_us; /* or TIME_NONE */
	bool pinned;
	bool archived;
};

/* PATCH …/me: which were sent, and what to; TIME_NONE clears. */
struct membership_change {
	bool has_muted_until, has_pinned, has_archived;
	int64_t muted_until_us;
	bool pinned, archived;
};

/* PUT …/members/{user}: the role, ptr NULL when none was sent. body may be NULL. */
void member_role_read(const struct json *body, struct faults *faults, struct str *out);

void membership_change_read(
	const struct json *body, struct faults *faults, struct membership_change *out);

/* The member, as it is in its conversation and in events. */
void member_write(struct buf *buf, const struct member *member);

void membership_write(struct buf *buf, const struct membership *me);

/* {"last_read_seq":…,"unread_count":…} and {"last_delivered_seq":…}: answers to the watermark
 * routes. */
void membership_write_read(struct buf *buf, int64_t last_read_seq, int64_t unread_count);
void membership_write_delivered(struct buf *buf, int64_t last_delivered_seq);

#endif
