/* A recipient of a message: how far it has come there, and since when (web/api/openapi.yaml). */
#ifndef LIB_MODEL_RECIPIENT_H
#define LIB_MODEL_RECIPIENT_H

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/model/message.h"

struct recipient {
	struct uuid user_id;
	enum message_status status;
	int64_t at_us; /* since when it has that status; TIME_NONE: it has been sent, and no more; or it is not known */
};

void recipient_write(struct buf *buf, const struct recipient *recipient);

#endif
