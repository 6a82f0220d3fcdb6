/* Files in the database (sql/query/attachment.sql). Called by rest/handler/attachment.c. */
#ifndef SQL_STORE_ATTACHMENT_H
#define SQL_STORE_ATTACHMENT_H

#include "lib/model/attachment.h"
#include "sql/db.h"

/* How many bytes the user has uploaded. */
must_check enum err db_attachment_used(
	struct db *db, struct arena *arena, const struct uuid *user, int64_t *out);

enum {
	/* longer than an upload can take from its hold to its row */
	ATTACHMENT_HOLD_S = 3600
};

/*
 * Content of this hash is about to come into the store: to be called before it does, outside of any transaction, and the file that names
 * it is to be added within ATTACHMENT_HOLD_S. Whatever becomes of that, no content is left behind, and none is removed under it (lib/blob.h).
 * Waits while the same content is being removed. *until_us is for db_attachment_add.
 */
must_check enum err db_attachment_hold(struct db *db, struct arena *arena,
	const uint8_t sha256[BLOB_HASH_BYTES], int64_t *until_us);

/* Puts a file down whose content is in place and was held until then; that is over now. quota: bytes that its owner may have; 0: any number. ERR_QUOTA_EXCEEDED;
 * ERR_UNAVAILABLE, logged: it was held for too long. */
must_check enum err db_attachment_add(struct db *db, struct arena *arena,
	const struct attachment *attachment, int64_t held_until_us, int64_t quota);

#endif
