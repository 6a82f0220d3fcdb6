/* What a message was before it was edited, as its sender sees it (web/api/openapi.yaml). */
#ifndef LIB_MODEL_MESSAGE_VERSION_H
#define LIB_MODEL_MESSAGE_VERSION_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

struct message_version {
	int64_t rev;	 /* that the message had when it was edited */
	struct str body; /* none: ptr NULL, as below */
	struct str ciphertext;
	struct str metadata;
	int64_t at_us; /* since when it was so */
};

void message_version_write(struct buf *buf, const struct message_version *version);

#endif
