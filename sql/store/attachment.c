/* Files in the database (attachment.h). Called by rest/handler/attachment.c. */
#include "sql/store/attachment.h"

#include "lib/log.h"
#include "sql/row.h"

enum err db_attachment_used(
	struct db *db, struct arena *arena, const struct uuid *user, int64_t *out)
{
	static const char *const names[] = { "used" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_ATTACHMENT_ROOM, &rows, P_UUID(user));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*out = row_int64(&c, 0, 0);
	return OK;
}

enum err db_attachment_hold(struct db *db, struct arena *arena,
	const uint8_t sha256[BLOB_HASH_BYTES], int64_t *until_us)
{
	static const char *const names[] = { "held_until" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_ATTACHMENT_HOLD, &rows, P_BYTES(sha256, BLOB_HASH_BYTES),
		P_INT64(ATTACHMENT_HOLD_S));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	*until_us = row_time(&c, 0, 0);
	return OK;
}

/* null for 0: there is none. */
static struct param some(int64_t number)
{
	return number > 0 ? P_INT64(number) : P_NULL();
}

enum err db_attachment_add(struct db *db, struct arena *arena, const struct attachment *attachment,
	int64_t held_until_us, int64_t quota)
{
	static const char *const names[] = { "outcome" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_ATTACHMENT_ADD, &rows, P_UUID(&attachment->id),
		P_UUID(&attachment->owner_id), P_BYTES(attachment->sha256, BLOB_HASH_BYTES),
		P_TEXT(attachment->name), P_TEXT(attachment->media_type), P_INT64(attachment->size),
		some(attachment->width), some(attachment->height),
		some(attachment->thumbnail_bytes), P_TIME(held_until_us), some(quota));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 1, &c);
	if (str_equal(row_text(&c, 0, 0), STR("late"))) {
		log_warn("an upload took too long, and its content is gone");
		return ERR_UNAVAILABLE;
	}
	return str_equal(row_text(&c, 0, 0), STR("ok")) ? OK : ERR_QUOTA_EXCEEDED;
}
