/* Files in the database (sql/query/attachment.sql). Called by rest/handler/attachment.c. */
#ifndef SQL_STORE_ATTACHMENT_H
#define SQL_STORE_ATTACHMENT_H

#include "lib/model/attachment.h"
#include "sql/db.h"

/* How many bytes the user has uploaded. */
must_check enum err db_attachment_used(
	struct db *db, struct arena *arena, const struct uuid *user, int64_t *out);

/* In a transaction: until its end nobody removes the content of this hash (lib/blob.h). */
must_check enum err db_attachment_hold(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES]);

/* Puts a file down whose content is in place, in the transaction that holds it. quota: bytes that its owner may have; 0: any number.
 * ERR_QUOTA_EXCEEDED. */
must_check enum err db_attachment_add(
	struct db *db, struct arena *arena, const struct attachment *attachment, int64_t quota);

#endif
