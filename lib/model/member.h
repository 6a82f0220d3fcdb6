/* Somebody in a conversation, as the others see it (web/api/openapi.yaml). */
#ifndef LIB_MODEL_MEMBER_H
#define LIB_MODEL_MEMBER_H

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

/* PUT …/members/{user}: the role, ptr NULL when none was sent. body may be NULL. */
void member_role_read(const struct json *body, struct faults *faults, struct str *out);

/* The member, as it is in its conversation and in events. */
void member_write(struct buf *buf, const struct member *member);

#endif
