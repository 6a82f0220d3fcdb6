/* What a person is signed in with and on, as it sees that itself (web/api/openapi.yaml). */
#ifndef LIB_MODEL_SESSION_H
#define LIB_MODEL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

enum {
	DEVICE_NAME_MAX_CHARS = 64,
	REFRESH_TOKEN_LEN = 43
};

/* The device that signs in; id nil when the client named none. */
struct device_new {
	struct uuid id;
	struct str name;
	struct str platform;
};

struct device {
	struct uuid id;
	struct str name;     /* none: ptr NULL */
	struct str platform; /* none: ptr NULL */
	int64_t created_at_us;
	int64_t last_used_at_us;
	bool current; /* the one that asks */
};

struct session {
	struct uuid id;
	struct device_new device;
	int64_t created_at_us;
	int64_t last_used_at_us;
	bool current; /* the one that asks */
};

/* The optional field "device" of who registers or logs in. */
void device_new_read(const struct json *body, struct faults *faults, struct device_new *out);

/* POST /auth/refresh. Whether it is a token at all is not asked here: one that is none is refused as one that is
 * nobody's. */
void refresh_read(const struct json *body, struct faults *faults, struct str *out);

/* {"id","name","platform"}: what a session says of its device. */
void device_write_short(struct buf *buf, const struct device_new *device);

void device_write(struct buf *buf, const struct device *device);
void session_write(struct buf *buf, const struct session *session);

#endif
