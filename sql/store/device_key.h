/* Public keys of devices in the database. */
#ifndef SQL_STORE_DEVICE_KEY_H
#define SQL_STORE_DEVICE_KEY_H

#include "lib/model/device_key.h"
#include "sql/db.h"

/* Sets the keys of the user's device, on which its session has to be; *left: how many one-time pre-keys it then has.
 * ERR_NOT_FOUND: it has no such device. ERR_FORBIDDEN: that is another than the session's. ERR_ID_REUSED: a key_id is of another
 * key. ERR_CONFLICT: too many one-time pre-keys, or devices with keys. *why: which, where the usual text does not say it. */
must_check enum err db_device_key_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *session, const struct uuid *device, const struct device_key_new *new,
	int64_t *left, const char **why);

/* What there is of a device of the user. ERR_NOT_FOUND: no such device, or no keys. */
must_check enum err db_device_key_own(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *device, struct device_key *out);

/* What becomes of one-time pre-keys. */
enum prekey_use {
	PREKEY_TAKE, /* one of each device is handed out, for good */
	PREKEY_PEEK, /* the same answer, and nothing is handed out */
	PREKEY_LEAVE /* none */
};

/* What asker, by its session, is given of the devices of user, but of its own. *out lives on the arena. ERR_NOT_FOUND: there is no such
 * user, or it is erased. ERR_BLOCKED: it has blocked the asker. */
must_check enum err db_device_key_take(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *asker, const struct uuid *session, enum prekey_use use,
	struct device_key **out, size_t *count);

#endif
