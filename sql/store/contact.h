/* Address books in the database. */
#ifndef SQL_STORE_CONTACT_H
#define SQL_STORE_CONTACT_H

#include "lib/model/user.h"
#include "sql/cursor.h"
#include "sql/db.h"

/* Up to limit + 1 of the user's contacts, latest first, by which the cursor goes. *out lives on the arena. */
must_check enum err db_contact_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct relation **out, size_t *count);

/* Puts somebody else into the user's address book; OK also when it was there. ERR_NOT_FOUND: nobody, or erased; ERR_CONFLICT:
 * it has max (*why, a literal, says so). */
must_check enum err db_contact_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *other, int64_t max, const char **why);

/* Takes somebody out, who need not be in it. */
must_check enum err db_contact_remove(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *other);

#endif
