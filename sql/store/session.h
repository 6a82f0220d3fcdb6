/* Sign-ins in the database. */
#ifndef SQL_STORE_SESSION_H
#define SQL_STORE_SESSION_H

#include "lib/model/session.h"
#include "sql/cursor.h"
#include "sql/db.h"
#include "sql/row.h"

enum {
	REFRESH_HASH_BYTES = 32
};

/* What is kept of a refresh token (rest/refresh.h): hashes of what it shares with those before and after it, and of the
 * whole. */
struct refresh_hashes {
	uint8_t family[REFRESH_HASH_BYTES];
	uint8_t whole[REFRESH_HASH_BYTES];
};

struct session_new {
	struct uuid id;
	struct uuid user_id;
	struct device_new device;
	struct refresh_hashes refresh;
	int64_t refresh_ttl_s;
};

/* Opens a session on one of the user's devices, which is made when it is new. password_changed_at_us: as
 * it was when the password was checked. ERR_UNAUTHORIZED: it has been changed since, or the account is
 * erased. */
must_check enum err db_session_create(struct db *db, struct arena *arena,
	const struct session_new *session, int64_t password_changed_at_us);

/* Up to limit + 1 of the sessions in which the user is signed in, latest first, by which the cursor goes.
 * *out lives on the arena; current is for the caller to set. */
must_check enum err db_session_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct session **out, size_t *count);

/* Ends one session of the user, also when it has ended before. ERR_NOT_FOUND: it has no such session. */
must_check enum err db_session_end(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *session);

/* For a pipeline: sessions that ended in the last window_s seconds, or of which a token of an identity provider may say
 * otherwise: by id, at most max of those above after (nil: from the first). The answer fills out, which has room for max,
 * *count, and *until_us: when the last of those tokens ends; TIME_NONE: they are all ours. */
struct call session_revoked_call(int64_t window_s, const struct uuid *after, size_t max);
void session_revoked_answer(
	const struct rows *rows, struct uuid *out, size_t max, size_t *count, int64_t *until_us);

/* For a pipeline: users who may be connected, because a token of a session of theirs, which lives token_ttl_s, may be
 * valid: by id, at most max of those above after (nil: from the first), as above. And how many there are; more than max
 * are max. */
struct call session_people_call(int64_t token_ttl_s, const struct uuid *after, size_t max);
void session_people_answer(const struct rows *rows, struct uuid *out, size_t max, size_t *count);
struct call session_people_count_call(int64_t token_ttl_s, size_t max);
size_t session_people_count_answer(const struct rows *rows);

#endif
