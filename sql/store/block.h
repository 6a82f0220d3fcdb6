/* Blocks in the database. */
#ifndef SQL_STORE_BLOCK_H
#define SQL_STORE_BLOCK_H

#include "lib/model/user.h"
#include "sql/cursor.h"
#include "sql/db.h"
#include "sql/row.h"

/* Up to limit + 1 of whom the user has blocked, latest first, by which the cursor goes. *out lives on the arena. */
must_check enum err db_block_list(struct db *db, struct arena *arena, const struct uuid *user,
	const struct cursor *cursor, size_t limit, struct relation **out, size_t *count);

/* Blocks somebody else: once it is answered, nothing is accepted between the two. OK also when it was so before. ERR_NOT_FOUND:
 * nobody, or erased; ERR_CONFLICT: the user has blocked max (*why, a literal, says so). */
must_check enum err db_block_put(struct db *db, struct arena *arena, const struct uuid *user,
	const struct uuid *other, int64_t max, const char **why);

/* Takes it back; also when it was not so. */
must_check enum err db_block_remove(
	struct db *db, struct arena *arena, const struct uuid *user, const struct uuid *other);

/* For a pipeline: all blocks there are, as pairs of who has blocked and whom, at most max of those above the pair after (nils:
 * from the first). The answer fills out, which has room for max pairs one behind the other, and *count, of pairs. */
struct call block_page_call(const struct uuid after[2], size_t max);
void block_page_answer(const struct rows *rows, struct uuid *out, size_t max, size_t *count);

#endif
