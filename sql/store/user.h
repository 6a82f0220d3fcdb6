/* People in the database. */
#ifndef SQL_STORE_USER_H
#define SQL_STORE_USER_H

#include "lib/model/user.h"
#include "sql/db.h"
#include "sql/store/session.h"

/* Registers a person with its first session, whose user_id is the new person's. ERR_CONFLICT: the
 * handle or the e-mail is taken; faults then says which. */
must_check enum err db_user_register(struct db *db, struct arena *arena, const struct user_new *new,
	struct str password_hash, const struct session_new *session, struct faults *faults,
	struct user *out);

/* By handle or e-mail (one of them may be none). ERR_NOT_FOUND: nobody, or erased. *password_hash
 * has ptr NULL for one who has no password. */
must_check enum err db_user_for_login(struct db *db, struct arena *arena, struct str handle,
	struct str email, struct user *out, struct str *password_hash);

/* Puts a new hash of the same password over the old one, if that is still there. */
must_check enum err db_user_password_update(struct db *db, struct arena *arena,
	const struct uuid *user, struct str new_hash, struct str old_hash);

/* All of one's own profile. ERR_NOT_FOUND: erased. */
must_check enum err db_user_own(
	struct db *db, struct arena *arena, const struct uuid *user, struct user *out);

/* What others may see of anybody. ERR_NOT_FOUND: no such person. */
must_check enum err db_user_profile(
	struct db *db, struct arena *arena, const struct uuid *user, struct user *out);

/* Changes one's own profile and gives it as it then is. ERR_NOT_FOUND: erased. */
must_check enum err db_user_update(struct db *db, struct arena *arena, const struct uuid *user,
	const struct user_change *change, struct user *out);

#endif
