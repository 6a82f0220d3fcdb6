/*
 * Ids of people and sessions that an identity provider knows and we do not: made from what its tokens
 * say, so that the broker plugin, which has no database, comes to the same ids as parley-rest.
 */
#ifndef LIB_IDENTITY_H
#define LIB_IDENTITY_H

#include "lib/id.h"
#include "lib/text.h"

enum {
	IDENTITY_ISSUER_MAX = 255, /* bytes */
	IDENTITY_SUBJECT_MAX = 255,
};

/* What names a session: the best that a token has. */
enum identity_session {
	IDENTITY_SESSION_SID,	/* the provider's session: its value is the claim sid */
	IDENTITY_SESSION_JTI,	/* this token alone: the claim jti */
	IDENTITY_SESSION_TOKEN, /* and where it has no jti: the whole token */
};

/* Of a person at a provider: UUIDv8 (RFC 9562) of a hash, the same for ever. Neither text may hold a
 * NUL. */
void identity_user_id(struct str issuer, struct str subject, struct uuid *out);

/* Of one of that person's sessions there. */
void identity_session_id(struct str issuer, struct str subject, enum identity_session kind,
	struct str value, struct uuid *out);

#endif
