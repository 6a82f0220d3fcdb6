/* Forgotten passwords in the database. */
#ifndef SQL_STORE_RESET_H
#define SQL_STORE_RESET_H

#include "lib/secret.h"
#include "sql/db.h"

/* Somebody asks for a new password for the account of this address, known or not: parley-notify is told. */
must_check enum err db_reset_request(struct db *db, struct arena *arena, struct str email);

/* Does the token of this hash hold? ERR_UNAUTHORIZED: no. */
must_check enum err db_reset_known(
	struct db *db, struct arena *arena, const uint8_t hash[SECRET_HASH_BYTES]);

/* Uses it: sets its user's password and ends all of its sessions. ERR_UNAUTHORIZED: it does not hold. */
must_check enum err db_reset_confirm(struct db *db, struct arena *arena,
	const uint8_t hash[SECRET_HASH_BYTES], struct str password_hash);

/* What parley-notify has taken on. */
struct reset_job {
	struct uuid id;
	struct str
		email; /* of the account; ptr NULL: nothing is to be sent, and the request is gone */
	int64_t tries; /* this one included */
	bool expired;  /* nothing is to be sent because it has been tried for too long */
};

/* Takes the request that is due longest, for lease_s seconds; the token of this hash, which lives ttl_s, becomes its. ERR_NOT_FOUND:
 * none is due. */
must_check enum err db_reset_take(struct db *db, struct arena *arena,
	const uint8_t hash[SECRET_HASH_BYTES], int64_t ttl_s, int64_t lease_s,
	struct reset_job *out);

/* In how many milliseconds the next is due, 0: now. ERR_NOT_FOUND: there is none. */
must_check enum err db_reset_next(struct db *db, struct arena *arena, int64_t *delay_ms);

/* What came of it: the mail is handed over; it is to be tried again in delay_ms; it cannot be. The first two do nothing where somebody
 * else has taken it meanwhile. */
must_check enum err db_reset_sent(struct db *db, struct arena *arena, const struct uuid *id,
	const uint8_t hash[SECRET_HASH_BYTES]);
must_check enum err db_reset_again(struct db *db, struct arena *arena, const struct uuid *id,
	const uint8_t hash[SECRET_HASH_BYTES], int64_t delay_ms);
must_check enum err db_reset_drop(struct db *db, struct arena *arena, const struct uuid *id);

/* Takes requests away that are age_s old or older; *count says how many, at most a thousand at once. */
must_check enum err db_reset_lapse(
	struct db *db, struct arena *arena, int64_t age_s, int64_t *count);

#endif
