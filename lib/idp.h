/*
 * Tokens of identity providers: who may issue them, by which keys, and whether one is good. JWS compact
 * serialisation (RFC 7515) of JWT claims (RFC 7519), checked as RFC 8725 advises: the issuer and the
 * kid choose the key, the key fixes the algorithm, and nothing that a token brings is ever trusted or
 * fetched. Used by parley-rest and, from memory alone, by the broker plugin: no arena, and nothing here
 * ends the process. Our own tokens are lib/jose.h.
 */
#ifndef LIB_IDP_H
#define LIB_IDP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/identity.h"
#include "lib/jwk.h"
#include "lib/text.h"

enum {
	/* A token with many roles and groups; more than about 8 KiB of header no web server takes. */
	IDP_TOKEN_MAX = 8192,
	IDP_CLAIMS_MAX = IDP_TOKEN_MAX / 4 * 3,
	IDP_ISSUERS_MAX = 16,
	IDP_AUDIENCES_MAX = 8,
	IDP_AUDIENCE_BYTES_MAX = 255,
};

/* Issuers with their audiences and keys. */
struct idp;

/*
 * Reads {"issuers":[{"issuer":"https://…","audience":["…"],"keys":[JWK…]}]}: at most IDP_ISSUERS_MAX
 * issuers, each named once, with one to IDP_AUDIENCES_MAX audiences and the first JWK_SET_MAX keys; a
 * key that jwk_read refuses, or whose kid was there before, is passed over. ERR_INVALID_INPUT: anything
 * else. ERR_UNAVAILABLE: no memory. *out pairs with idp_free.
 */
must_check enum err idp_read(struct str document, struct idp **out);
void idp_free(struct idp *idp);

/* What a good token says. */
struct idp_token {
	struct uuid user_id;	/* identity_user_id of issuer and sub */
	struct uuid session_id; /* identity_session_id, of sid, jti or the whole token */
	struct str issuer;	/* borrowed from the struct idp */
	char subject[IDENTITY_SUBJECT_MAX + 1];
	int64_t issued_at_s; /* 0: it does not say */
	int64_t expires_at_s;
	const char *refused; /* with ERR_UNAUTHORIZED: what is wrong, for a log; static */
	size_t claims_len;
	char claims[IDP_CLAIMS_MAX]; /* the payload: strict JSON in the provider's own spelling */
};

/*
 * Form, issuer, audience (one of aud), times (60 s of skew for iat and nbf, none for exp) and signature.
 * A kid is demanded; typ, where it is there, is JWT or at+jwt; crit, b64, jwk, jku, x5c and x5u are
 * refused. ERR_UNAUTHORIZED when anything is wrong; ERR_TOKEN_EXPIRED when only exp is; ERR_NOT_FOUND
 * when all is well as far as can be told without the key, and its issuer has none of that kid: *issuer,
 * borrowed from idp, then says whose keys are to be looked for. *out is good with OK alone, but for refused.
 */
must_check enum err idp_verify(const struct idp *idp, struct str token, int64_t now_s,
	struct idp_token *out, struct str *issuer);

/* A time of a token (NumericDate, RFC 7519 section 2): raw is a JSON number's spelling, of which fractions are
 * cut off. False: it is none, or not of the years 1970 to 9999. */
bool idp_time(struct str raw, int64_t *seconds);

#endif
