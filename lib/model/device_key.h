/* The public keys of a device, as it sets them and as others are given them (web/api/openapi.yaml). */
#ifndef LIB_MODEL_DEVICE_KEY_H
#define LIB_MODEL_DEVICE_KEY_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

enum {
	PREKEYS_AT_ONCE_MAX = 100, /* in one request */
	PREKEYS_MAX = 200,	   /* that are left, of one device */
	KEYED_DEVICES_MAX = 100,   /* that have keys, of one user */
};

/* Keys and signature are base64, as they were sent. */
struct prekey {
	int64_t key_id; /* the device's own name of it */
	struct str public_key;
	struct str
		signature; /* by the identity key; ptr NULL: a one-time pre-key, which has none */
};

struct device_key_new {
	struct str identity_key;
	struct prekey signed_prekey;
	struct str one_time_prekeys; /* JSON: [{"key_id","public_key"}], on the arena */
};

struct device_key {
	struct uuid device_id;
	struct str identity_key;
	struct prekey signed_prekey;
	struct prekey one_time_prekey; /* handed out with it; public_key.ptr NULL: none */
	int64_t one_time_left;
};

/* Reads what a device sets; every fault goes to faults. What the keys are is not looked at, but how long they are. */
void device_key_new_read(struct arena *arena, const struct json *body, struct faults *faults,
	struct device_key_new *out);

/* What others are given: with the one-time pre-key. */
void device_key_write(struct buf *buf, const struct device_key *key);

/* What the user itself is told of a device: with the number of one-time pre-keys that are left. */
void device_key_write_own(struct buf *buf, const struct device_key *key);

/* {"one_time_prekeys":n} */
void device_key_write_left(struct buf *buf, int64_t one_time_left);

#endif
