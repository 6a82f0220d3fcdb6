/*
 * Service tokens: "pst_" and 32 random bytes in base64url. The token is shown once, when it is made; what is kept is its
 * hash. They begin with a word of their own so that scanners of repositories know them, and REST tells them from a JWT.
 */
#ifndef LIB_SERVICE_H
#define LIB_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/secret.h"

enum {
	SERVICE_TOKEN_LEN = 4 + SECRET_TEXT_LEN,
	SERVICE_HASH_BYTES = SECRET_HASH_BYTES
};

/* A new token with its NUL, to be wiped by the caller, and its hash. */
void service_token_new(char out[SERVICE_TOKEN_LEN + 1], uint8_t hash[SERVICE_HASH_BYTES]);

/* Does it claim to be one? */
bool service_token_is(struct str token);

/* The hash under which a token is kept. ERR_UNAUTHORIZED: by its form it is none. */
must_check enum err service_token_hash(struct str token, uint8_t hash[SERVICE_HASH_BYTES]);

#endif
