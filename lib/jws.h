/* JWS compact serialisation (RFC 7515): what every token has in common, whoever made it. Allocates nothing. */
#ifndef LIB_JWS_H
#define LIB_JWS_H

#include <stdbool.h>

#include "lib/text.h"

enum {
	JWS_SKEW_S = 60, /* by which the clock of who made a token may be ahead */
};

/* 9999-12-31T23:59:59Z, beyond which no time of a token is looked at. */
#define JWS_TIME_MAX_S 253402300799LL

/* The three parts of a token, still encoded, and what the first two cover: the signed bytes. */
struct jws {
	struct str header;
	struct str payload;
	struct str signature;
	struct str covered;
};

/* Three parts, borrowed from token. A dot too many is left in the signature, which is then no base64url. */
bool jws_split(struct str token, struct jws *out);

#endif
