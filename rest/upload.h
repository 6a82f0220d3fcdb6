/*
 * The body of a request that is a file: from the web server to the disk, in memory that does not depend on how large it is. It is hashed on
 * its way. As it is, with a Content-Disposition that names it, or as the field "file" of a form.
 */
#ifndef REST_UPLOAD_H
#define REST_UPLOAD_H

#include "lib/blob.h"
#include "rest/request.h"

struct upload {
	int dir;		 /* attachments_dir */
	struct blob_spool spool; /* the file, in tmp/ */
	struct blob_spool thumbnail;
	struct str name;
	int64_t size; /* bytes */
	uint8_t sha256[BLOB_HASH_BYTES];
};

/*
 * Reads the body to a file of its own, of at most max bytes. What is in tmp/ goes when the request ends, unless it is kept. ERR_TOO_LARGE;
 * ERR_MALFORMED: a form that is none, or a body that ended early; ERR_INVALID_INPUT, noted in faults: it is empty, or has no name;
 * ERR_UNSUPPORTED_MEDIA_TYPE: compressed; ERR_UNAVAILABLE, logged: it cannot be written.
 */
must_check enum err upload_read(struct request *req, int64_t max, struct upload **out);

#endif
