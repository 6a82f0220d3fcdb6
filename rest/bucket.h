/*
 * A bucket in place of the directory of attachments (lib/s3.h): what was uploaded is put there by a process of its own, parley-bucket, so
 * that no worker has libcurl; who downloads is sent there.
 */
#ifndef REST_BUCKET_H
#define REST_BUCKET_H

#include "lib/arena.h"
#include "lib/blob.h"
#include "lib/conf.h"
#include "lib/err.h"
#include "lib/text.h"

enum {
	BUCKET_FILES_MAX = BLOB__MAX
};

/* What is to be put: a file from its first byte to its last, by whatever place its descriptor stands at. */
struct bucket_file {
	struct blob_name name;
	int fd;
};

/* Puts up to BUCKET_FILES_MAX of them, in this order, and waits for it. ERR_UNAVAILABLE, logged: not all of them are there; those that
 * are have the right content. */
must_check enum err bucket_put(
	const struct conf *conf, const struct bucket_file *files, size_t count);

/* Where a client gets an object, by GET or HEAD, within a minute, and is told this type and disposition with it. On the arena; not for
 * logs. */
const char *bucket_location(struct arena *arena, const struct conf *conf, const char *method,
	const char *key, struct str media_type, const char *disposition);

#endif
