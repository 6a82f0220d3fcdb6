/* Sign-ins in the database. */
#ifndef SQL_STORE_SESSION_H
#define SQL_STORE_SESSION_H

#include "lib/model/user.h"
#include "sql/db.h"

enum {
	REFRESH_HASH_BYTES = 32
};

struct session_new {
	struct uuid id;
	struct uuid user_id;
	struct device_new device;
	uint8_t refresh_hash[REFRESH_HASH_BYTES];
	int64_t refresh_ttl_s;
};

/* Opens a session on one of the user's devices, which is made when it is new. */
must_check enum err db_session_create(
	struct db *db, struct arena *arena, const struct session_new *session);

#endif
