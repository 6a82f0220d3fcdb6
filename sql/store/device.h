/* Devices in the database. */
#ifndef SQL_STORE_DEVICE_H
#define SQL_STORE_DEVICE_H

#include "lib/model/session.h"
#include "sql/cursor.h"
#include "sql/db.h"

/* Up to limit + 1 of the devices on which the user is signed in, latest first, by which the cursor goes.
 * *out lives on the arena; current is for the caller to set. */
must_check enum err db_device_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct device **out, size_t *count);

/* Ends every session on one device of the user, also when there is none. ERR_NOT_FOUND: it has no such device. */
must_check enum err db_device_end(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *device);

#endif
