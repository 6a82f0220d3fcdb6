/*
 * Contents of attachments, each stored once under the SHA-256 of what it is: names, and the directory that holds them
 * (setting attachments_dir). Called by rest/upload.c, which puts them, by the download, which opens them, and by the sweep,
 * which removes them.
 *
 * A file appears under its name complete and on disk, or not at all: it is written in tmp/, flushed, and renamed. What a process
 * that died has left in tmp/ is removed later, by whoever uploads next (blob_dir_clean).
 *
 * A row of attachments never names what is not there, and nothing stays that none names, whoever sweeps or dies meanwhile. A row of
 * attachment_loose is there before the content is, and is deleted after it:
 *  - who uploads: holds the hash (db_attachment_hold: its row, due in an hour), and commits that; puts the content into place, and
 *    flushes; adds the row of attachments and lets go (due at once), unless the hour is over.
 *  - who sweeps: deletes rows of attachments that are in no message, and makes their hashes loose in the same transaction. In another it
 *    takes a loose hash that is due (the lock on its row); looks whether a row of attachments names it; if not, removes thumbnail and
 *    content; deletes the loose row; commits. Who holds the same hash waits for that.
 * So a content whose last row goes is either still there when an upload finds it, or put once more by it. One that dies anywhere leaves
 * the loose row, and so the rest to the next.
 */
#ifndef LIB_BLOB_H
#define LIB_BLOB_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"

enum {
	BLOB_HASH_BYTES = 32,
	BLOB_KEY_BYTES = 3 + 2 * BLOB_HASH_BYTES + 6 + 1, /* "ab/", hex, ".thumb", NUL */
	BLOB_SPOOL_MAX_AGE_S = 3600,
};

enum blob_kind {
	BLOB_CONTENT,
	BLOB_THUMBNAIL, /* of the content of that hash */
	BLOB__MAX
};

struct blob_name {
	uint8_t sha256[BLOB_HASH_BYTES]; /* of the content, for a thumbnail, too */
	enum blob_kind kind;
};

/* "ab/abcdef…": the path below the directory, and the object's key in a bucket. */
void blob_key(const struct blob_name *name, char out[BLOB_KEY_BYTES]);

/* Opens the directory, which is made when it is not there (0750: the web server may send from it, by its group; tmp/ in it 0700). ERR_UNAVAILABLE, logged. To be closed by close(2). */
must_check enum err blob_dir_open(const char *path, int *dir);

/* Removes from tmp/ what is older than BLOB_SPOOL_MAX_AGE_S. */
void blob_dir_clean(int dir);

/* A file that is being written, in tmp/. */
struct blob_spool {
	int fd; /* open for reading and writing; -1: none */
	char path[4 + UUID_TEXT_LEN + 1];
};

/* An empty one. ERR_UNAVAILABLE, logged: the disk is full, or the like. Pairs with blob_spool_end. */
must_check enum err blob_spool_begin(int dir, struct blob_spool *out);

/* Appends len bytes. ERR_UNAVAILABLE, logged. */
must_check enum err blob_spool_write(struct blob_spool *spool, const void *bytes, size_t len);

/* What was written is on disk. ERR_UNAVAILABLE, logged. */
must_check enum err blob_spool_flush(struct blob_spool *spool);

/* Gives the flushed file its name, under which it then stays; one that is there already is of the same content. On disk when it
 * returns. ERR_UNAVAILABLE, logged. */
must_check enum err blob_spool_keep(
	int dir, struct blob_spool *spool, const struct blob_name *name);

/* Closes it; the file is removed unless it was kept. Nothing to do is legal. */
void blob_spool_end(int dir, struct blob_spool *spool);

/* Opens for reading. ERR_NOT_FOUND; ERR_UNAVAILABLE, logged. */
must_check enum err blob_open(int dir, const struct blob_name *name, int *fd);

/* Removes it, if it is there; gone from the disk when it returns. ERR_UNAVAILABLE, logged. */
must_check enum err blob_remove(int dir, const struct blob_name *name);

#endif
