/* A file that was uploaded, as clients are told of it (web/api/openapi.yaml). sql/function/attachment.sql writes the same JSON
 * for messages. */
#ifndef LIB_MODEL_ATTACHMENT_H
#define LIB_MODEL_ATTACHMENT_H

#include <stdint.h>

#include "lib/blob.h"
#include "lib/buf.h"
#include "lib/id.h"
#include "lib/text.h"

struct attachment {
	struct uuid id;
	struct uuid owner_id;
	uint8_t sha256[BLOB_HASH_BYTES];
	struct str name;
	struct str media_type;	 /* of its content, not what was claimed */
	int64_t size;		 /* bytes */
	int64_t width, height;	 /* of a picture, in pixels, as it is shown; 0: none */
	int64_t thumbnail_bytes; /* 0: it has none */
};

void attachment_write(struct buf *buf, const struct attachment *attachment);

#endif
