/* What is taken away of itself (sql/query/sweep.sql). */
#ifndef SQL_STORE_SWEEP_H
#define SQL_STORE_SWEEP_H

#include "lib/blob.h"
#include "sql/db.h"

/* Where a sweep stands in the order of files; zeroed: before the first. */
struct sweep_place {
	int64_t at_us;
	struct uuid id;
};

/*
 * Looks at up to page files that are age_s old or older, behind *place, which moves on; deletes those in no message, *swept of them,
 * and makes their content loose. ERR_NOT_FOUND: there are none behind it.
 */
must_check enum err db_sweep_attachments(struct db *db, struct arena *arena, int64_t age_s,
	int64_t page, struct sweep_place *place, int64_t *swept);

/* Takes the loose content that is due longest, until the transaction ends, within which all of these are to be called. ERR_NOT_FOUND: none
 * is due. */
must_check enum err db_sweep_content_take(
	struct db *db, struct arena *arena, uint8_t sha256[BLOB_HASH_BYTES]);

/* Is there a file that names it? */
must_check enum err db_sweep_content_named(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES], bool *named);

/* It is loose no longer: it has been removed, or is named; or it could not be removed, and is tried again in delay_s. */
must_check enum err db_sweep_content_gone(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES]);
must_check enum err db_sweep_content_later(
	struct db *db, struct arena *arena, const uint8_t sha256[BLOB_HASH_BYTES], int64_t delay_s);

/* Deletes up to page movements of watermarks that are older than age_s, *swept of them; fewer than page: those were the last. */
must_check enum err db_sweep_receipts(
	struct db *db, struct arena *arena, int64_t age_s, int64_t page, int64_t *swept);

#endif
