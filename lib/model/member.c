/*
 * Members: the role that somebody is given, what one makes of one's own view, and both as JSON. Who
 * may give which role is for the database to say.
 */
#include "lib/model/member.h"

#include <stdbool.h>

#include "lib/json_write.h"
#include "lib/time.h"

static const char *const roles[] = { "owner", "admin", "member" };

static bool is_role(struct str name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (str_equal(name, str_of(roles[i])))
			return true;
	}
	return false;
}

void member_role_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str name;
	*out = (struct str){ NULL, 0 };
	if (!json_read_bytes(body, "role", JSON_OPTIONAL, 0, SIZE_MAX, faults, &name))
		return;
	if (is_role(name))
		*out = name;
	else
		fault_add(faults, "role", "bad_format", "It must be owner, admin or member.");
}

static bool time_read(const struct json *body, const char *key, struct faults *faults, int64_t *out)
{
	struct str text;
	if (!json_read_bytes(body, key, JSON_OPTIONAL, 0, SIZE_MAX, faults, &text))
		return false;
	if (time_parse(text, out) == OK)
		return true;
	fault_add(faults, key, "bad_format", "It must be a time such as 2026-11-21T12:00:00Z.");
	return false;
}

void membership_change_read(
	const struct json *body, struct faults *faults, struct membership_change *out)
{
	*out = (struct membership_change){ .muted_until_us = TIME_NONE };
	if (!json_read_top(body, faults))
		return;
	out->has_muted_until = json_is_null(body, "muted_until") ||
			       time_read(body, "muted_until", faults, &out->muted_until_us);
	out->has_pinned = json_read_bool(body, "pinned", JSON_OPTIONAL, faults, &out->pinned);
	out->has_archived = json_read_bool(body, "archived", JSON_OPTIONAL, faults, &out->archived);
}

void member_write(struct buf *buf, const struct member *member)
{
	json_write_object(buf);
	json_write_key(buf, "user_id");
	json_write_uuid(buf, &member->user_id);
	json_write_key(buf, "display_name");
	json_write_str(buf, member->display_name);
	json_write_key(buf, "avatar_url");
	json_write_str(buf, member->avatar_url);
	json_write_key(buf, "role");
	json_write_str(buf, member->role);
	json_write_key(buf, "last_read_seq");
	json_write_int(buf, member->last_read_seq);
	json_write_key(buf, "last_delivered_seq");
	json_write_int(buf, member->last_delivered_seq);
	json_write_object_end(buf);
}

void membership_write(struct buf *buf, const struct membership *me)
{
	json_write_object(buf);
	json_write_key(buf, "role");
	json_write_str(buf, me->role);
	json_write_key(buf, "joined_at");
	json_write_time(buf, me->joined_at_us);
	json_write_key(buf, "last_read_seq");
	json_write_int(buf, me->last_read_seq);
	json_write_key(buf, "last_delivered_seq");
	json_write_int(buf, me->last_delivered_seq);
	json_write_key(buf, "unread_count");
	json_write_int(buf, me->unread_count);
	json_write_key(buf, "muted_until");
	json_write_time(buf, me->muted_until_us);
	json_write_key(buf, "pinned");
	json_write_bool(buf, me->pinned);
	json_write_key(buf, "archived");
	json_write_bool(buf, me->archived);
	json_write_object_end(buf);
}

void membership_write_read(struct buf *buf, int64_t last_read_seq, int64_t unread_count)
{
	json_write_object(buf);
	json_write_key(buf, "last_read_seq");
	json_write_int(buf, last_read_seq);
	json_write_key(buf, "unread_count");
	json_write_int(buf, unread_count);
	json_write_object_end(buf);
}

void membership_write_delivered(struct buf *buf, int64_t last_delivered_seq)
{
	json_write_object(buf);
	json_write_key(buf, "last_delivered_seq");
	json_write_int(buf, last_delivered_seq);
	json_write_object_end(buf);
}
