/* Members in the database (sql/query/member.sql). Called by rest/handler/member.c. */
#include "sql/store/member.h"

#include "lib/log.h"
#include "sql/row.h"

/* What the functions say, and what it is to a client. */
static const struct {
	const char *outcome;
	enum err err;
	const char *why;
} outcomes[] = {
	{ "ok", OK, NULL },
	{ "not_found", ERR_NOT_FOUND, NULL },
	{ "forbidden", ERR_FORBIDDEN, NULL },
	{ "full", ERR_GROUP_FULL, NULL },
	{ "direct", ERR_CONFLICT, "A direct conversation is of its two people and has no title." },
	{ "last_owner", ERR_CONFLICT, "The last owner makes somebody else an owner first." },
};

enum err member_outcome(struct str outcome, const char **why)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (!str_equal(outcome, str_of(outcomes[i].outcome)))
			continue;
		if (outcomes[i].why)
			*why = outcomes[i].why;
		return outcomes[i].err;
	}
	log_error("a function has an outcome that its store does not know");
	return ERR_INTERNAL;
}

/* Of the only row. */
static enum err read_outcome(const struct rows *rows, const char **why)
{
	static const char *const names[] = { "outcome" };
	struct columns c;

	columns_find(rows, "", names, 1, &c);
	return member_outcome(row_text(&c, 0, 0), why);
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
	return err == OK ? read_outcome(rows, why) : err;
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
	return err == OK ? read_outcome(rows, why) : err;
}
