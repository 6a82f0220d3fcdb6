/* Files for who may read them (sql/query/download.sql). Called by rest/handler/download.c. */
#include "sql/store/download.h"

#include <string.h>

#include "sql/row.h"

enum {
	SHA256,
	NAME,
	MEDIA_TYPE,
	SIZE,
	THUMBNAIL_BYTES,
	DOWNLOAD__MAX
};

static const char *const names[DOWNLOAD__MAX] = {
	[SHA256] = "sha256",
	[NAME] = "name",
	[MEDIA_TYPE] = "media_type",
	[SIZE] = "size",
	[THUMBNAIL_BYTES] = "thumbnail_bytes",
};

enum err db_attachment_for_reader(struct db *db, struct arena *arena, const struct uuid *attachment,
	const struct uuid *user, struct attachment *out)
{
	struct columns c;
	struct rows *rows;
	struct str sha256;
	enum err err =
		db_run(db, arena, Q_ATTACHMENT_FOR_READER, &rows, P_UUID(attachment), P_UUID(user));

	if (err != OK)
		return err;
	if (rows_count(rows) == 0)
		return ERR_NOT_FOUND;
	columns_find(rows, "", names, DOWNLOAD__MAX, &c);
	*out = (struct attachment){
		.name = row_text(&c, 0, NAME),
		.media_type = row_text(&c, 0, MEDIA_TYPE),
		.size = row_int64(&c, 0, SIZE),
		.thumbnail_bytes = row_int64(&c, 0, THUMBNAIL_BYTES),
	};
	sha256 = row_text(&c, 0, SHA256);
	memcpy(out->sha256, sha256.ptr, sizeof(out->sha256));
	return OK;
}
