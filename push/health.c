/*
 * The answer of /health; see the header. Called by main.c for http.c.
 */
#include "push/health.h"

#include "lib/json_write.h"

/* What each state of the stream is to somebody who watches. */
struct role_info {
	const char *role;
	const char *database;
	bool working;
};

static const struct role_info role_infos[] = {
	[STREAM_NONE] = { "standby", "unavailable", false },
	[STREAM_READY] = { "standby", "ok", false },
	[STREAM_STANDBY] = { "standby", "ok", true },
	[STREAM_ACTIVE] = { "active", "ok", true },
};

int health_write(struct buf *buf, const struct health *health)
{
	const struct role_info *info = &role_infos[health->role];
	bool closed = health->role == STREAM_ACTIVE && !health->open;
	bool working = info->working && health->broker && !closed;
	json_write_object(buf);
	json_write_key(buf, "status");
	json_write_string(buf, working ? "ok" : "unavailable");
	json_write_key(buf, "role");
	json_write_string(buf, info->role);
	json_write_key(buf, "database");
	json_write_string(buf, info->database);
	json_write_key(buf, "broker");
	json_write_string(buf, !health->broker ? "unavailable" : closed ? "closed" : "ok");
	json_write_key(buf, "lag_bytes");
	json_write_int(buf, health->lag_bytes);
	json_write_object_end(buf);
	buf_add_char(buf, '\n');
	return working ? 200 : 503;
}
