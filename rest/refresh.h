/*
 * Refresh tokens: 32 random bytes in base64url, of which the first half is the same in all that one session ever has, and
 * the second half is new in each. Both are secrets that are nowhere but in tokens: who shows a token of a known first half
 * that is not the valid one shows one that was valid before, so reuse is noticed however old it is, with nothing kept of
 * the tokens between.
 */
#ifndef REST_REFRESH_H
#define REST_REFRESH_H

#include "lib/text.h"
#include "sql/store/session.h"

enum {
	REFRESH_BYTES = 32
};

struct refresh {
	uint8_t bytes[REFRESH_BYTES];
	char text[REFRESH_TOKEN_LEN + 1];
	struct refresh_hashes hashes;
};

/* The first of a session. */
void refresh_new(struct refresh *out);

/* The one after it. */
void refresh_next(const struct refresh *old, struct refresh *out);

/* One that a client has sent. ERR_UNAUTHORIZED: it can be none. */
must_check enum err refresh_parse(struct str text, struct refresh *out);

#endif
