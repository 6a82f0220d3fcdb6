/* Files for who may read them, in the database. */
#ifndef SQL_STORE_DOWNLOAD_H
#define SQL_STORE_DOWNLOAD_H

#include "lib/model/attachment.h"
#include "sql/db.h"

/* ERR_NOT_FOUND: no such file for this user, be it there or not. *out has neither id nor owner, nor what a picture measures. */
must_check enum err db_attachment_for_reader(struct db *db, struct arena *arena,
	const struct uuid *attachment, const struct uuid *user, struct attachment *out);

#endif
