/* People in the database. */
#ifndef SQL_STORE_USER_H
#define SQL_STORE_USER_H

#include "lib/model/user.h"
#include "sql/cursor.h"
#include "sql/db.h"
#include "sql/row.h"
#include "sql/store/session.h"

/* Registers a person with its first session, whose user_id is the new person's. ERR_CONFLICT: the
 * handle or the e-mail is taken; faults then says which. */
must_check enum err db_user_register(struct db *db, struct arena *arena, const struct user_new *new,
	struct str password_hash, const struct session_new *session, struct faults *faults,
	struct user *out);

/* A person who has not signed in. password_hash.ptr NULL: without one. The same errors. */
must_check enum err db_user_add(struct db *db, struct arena *arena, const struct uuid *id,
	const struct user_new *new, struct str password_hash, struct faults *faults,
	struct user *out);

/* Who has a handle. ERR_NOT_FOUND: nobody. */
must_check enum err db_user_find(
	struct db *db, struct arena *arena, struct str handle, struct uuid *out);

/* Shuts an account, whose sessions end on both planes, or opens it again; again and again. ERR_NOT_FOUND: nobody, or erased. */
must_check enum err db_user_disable(struct db *db, struct arena *arena, const struct uuid *user);
must_check enum err db_user_enable(struct db *db, struct arena *arena, const struct uuid *user);

/* What a password is checked against. */
struct password {
	struct str hash;       /* ptr NULL: none is set */
	int64_t changed_at_us; /* when its owner last changed it, or TIME_NONE */
};

/* By handle or e-mail (one of them may be none). *device_known: it has signed in on this device before (nil: none). ERR_NOT_FOUND: nobody, or erased. */
must_check enum err db_user_for_login(struct db *db, struct arena *arena, struct str handle,
	struct str email, const struct uuid *device, struct user *out, struct password *password,
	bool *device_known);

/* Puts a new hash of the same password over the old one, if that is still there. */
must_check enum err db_user_password_update(struct db *db, struct arena *arena,
	const struct uuid *user, struct str new_hash, struct str old_hash);

/* One's own, with the handle to log in by. ERR_UNAUTHORIZED: erased. */
must_check enum err db_user_password(struct db *db, struct arena *arena, const struct uuid *user,
	struct str *handle, struct password *out);

/* Sets the hash of another password and ends every session of the user but this one. ERR_FORBIDDEN: the
 * password that was checked is no longer the present one. */
must_check enum err db_user_password_change(struct db *db, struct arena *arena,
	const struct uuid *user, int64_t changed_at_us, struct str hash,
	const struct uuid *session);

/*
 * Puts the token of next in the place of that of old, and fills in the rest of next: whose session it is
 * and on which device. ERR_UNAUTHORIZED: no such token, or no longer; one that was valid before the
 * present one ends its session.
 */
must_check enum err db_user_refresh(struct db *db, struct arena *arena,
	const struct refresh_hashes *old, struct session_new *next, struct user *out);

/* Erases an account and ends its sessions; with_messages: these are deleted, too, from then on (sql/store/erasure.h); said: its
 * groups have a system message of it. Where that fails the account may have left some of its groups; the same call again goes on.
 * Outside of a transaction. */
must_check enum err db_user_erase(
	struct db *db, struct arena *arena, const struct uuid *user, bool with_messages, bool said);

/* All of one's own profile. ERR_NOT_FOUND: erased. */
must_check enum err db_user_own(
	struct db *db, struct arena *arena, const struct uuid *user, struct user *out);

/* What others may see of anybody. ERR_NOT_FOUND: no such person. */
must_check enum err db_user_profile(
	struct db *db, struct arena *arena, const struct uuid *user, struct user *out);

/* Up to limit + 1 of the people of whom a name begins with text, regardless of case, in the order of that name, by which the
 * cursor goes. *out, and *places, where each of them stands, live on the arena. */
must_check enum err db_user_search(struct db *db, struct arena *arena, struct str text,
	const struct name_cursor *cursor, size_t limit, struct user **out,
	struct name_cursor **places, size_t *count);

/* Changes one's own profile and gives it as it then is. ERR_NOT_FOUND: erased. */
must_check enum err db_user_update(struct db *db, struct arena *arena, const struct uuid *user,
	const struct user_change *change, struct user *out);

/* For a pipeline: as whom nobody may come in, disabled or erased, latest first, at most max behind (at_us, id) (TIME_NONE: from
 * the latest). The answer fills out, which has room for max, *count, and *at_us, when there are any, of the last. */
struct call user_barred_call(int64_t at_us, const struct uuid *id, size_t max);
void user_barred_answer(
	const struct rows *rows, struct uuid *out, size_t max, size_t *count, int64_t *at_us);

/* For stores of lists of people, whose rows are profiles with a time "since": all of them, on the arena. */
void read_relations(
	struct arena *arena, const struct rows *rows, struct relation **out, size_t *count);

/* What the outcome of a function that puts somebody into such a list comes to: ERR_NOT_FOUND: nobody, or erased; ERR_CONFLICT:
 * the list has as many as it may have, and *why, a literal, says so. */
must_check enum err relation_outcome(const struct rows *rows, const char **why);

#endif
