/* Members in the database (sql/query/member.sql). Called by rest/handler/member.c. */
#include "sql/store/member.h"

#include "sql/outcome.h"

/* What the functions say, and what it is to a client. */
static const struct outcome outcomes[] = {
	{ "ok", OK, NULL },
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "forbidden", ERR_FORBIDDEN, NULL },
	{ "full", ERR_GROUP_FULL, NULL },
	{ "direct", ERR_CONFLICT, "A direct conversation is of its two people and has no title." },
	{ "last_owner", ERR_CONFLICT, "The last owner makes somebody else an owner first." },
};

enum err member_outcome(const struct rows *rows, const char **why)
{
	return OUTCOME_READ(outcomes, rows, why);
}

enum err db_member_put(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *caller, const struct uuid *user, struct str role, int64_t members_max,
	bool said, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_MEMBER_PUT, &rows, P_UUID(conversation), P_UUID(caller),
		P_UUID(user), P_TEXT(role), P_INT64(members_max), P_UUID(&event_id), P_BOOL(said));
	return err == OK ? member_outcome(rows, why) : err;
}

enum err db_member_remove(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *caller, const struct uuid *user, bool said, const char **why)
{
	struct rows *rows;
	struct uuid event_id;
	enum err err;

	uuid_new(&event_id);
	err = db_run(db, arena, Q_MEMBER_REMOVE, &rows, P_UUID(conversation), P_UUID(caller),
		P_UUID(user), P_UUID(&event_id), P_BOOL(said));
	return err == OK ? member_outcome(rows, why) : err;
}
