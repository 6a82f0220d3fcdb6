/*
 * Members: the role that somebody is given, and a member as JSON. Who may give which role is for
 * the database to say.
 */
#include "lib/model/member.h"

#include <stdbool.h>

#include "lib/json_write.h"

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
