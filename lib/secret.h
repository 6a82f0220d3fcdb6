/*
 * Random secrets that one side carries and the other knows by a hash alone: 32 bytes, as base64url in links and bodies. Of so
 * many a quick hash is enough, and finding by it needs no comparison in constant time.
 */
#ifndef LIB_SECRET_H
#define LIB_SECRET_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	SECRET_BYTES = 32,
	SECRET_TEXT_LEN = 43,
	SECRET_HASH_BYTES = 32
};

/* A new one as text, NUL-terminated, which the caller wipes, and its hash. */
void secret_new(char text[SECRET_TEXT_LEN + 1], uint8_t hash[SECRET_HASH_BYTES]);

/* BLAKE2b of the bytes that a text stands for. ERR_UNAUTHORIZED: it can be none. */
must_check enum err secret_hash(struct str text, uint8_t hash[SECRET_HASH_BYTES]);

#endif
