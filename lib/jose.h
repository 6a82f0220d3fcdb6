/*
 * Tokens: JWS compact serialisation (RFC 7515) of JWT claims (RFC 7519), EdDSA with Ed25519 (RFC
 * 8037), checked as RFC 8725 advises: the algorithm is fixed by the key, never chosen by the token.
 * Used by parley-rest (sign, verify) and by the broker plugin (verify), which may not exit: no
 * arena here.
 */
#ifndef LIB_JOSE_H
#define LIB_JOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/text.h"

enum {
	JOSE_TOKEN_MAX = 4096, /* bytes; a longer one is not looked at */
	JOSE_NAME_MAX = 255,   /* bytes of an issuer or audience */
	JOSE_DEVICE_MAX = 64,
	JOSE_KEYS_MAX = 16, /* in a set */
	JOSE_KID_LEN = 43,
};

/* What Parley's own access token says. */
struct claims {
	struct uuid user_id;		     /* sub */
	struct uuid session_id;		     /* sid */
	struct uuid token_id;		     /* jti */
	char device_id[JOSE_DEVICE_MAX + 1]; /* did */
	int64_t issued_at_s;		     /* iat */
	int64_t expires_at_s;		     /* exp */
};

/*
 * A set of keys; the first private one signs, every one verifies, chosen by "kid". It is of files, and
 * they are looked at again before a token is signed, and when one names a key that is not known: so a
 * key is good for everybody from the moment that its file is in place (renamed, never written over). A
 * key that is gone from the files may be known until the set is loaded anew.
 */
struct jose_keys;

/*
 * PEM files (PKCS#8 private or SPKI public Ed25519), paths with a space between; a file may hold
 * several, with text between them. ERR_INTERNAL, logged, when one cannot be read or holds anything else.
 * *out is owned by the caller.
 */
must_check enum err jose_keys_load(const char *paths, struct jose_keys **out);

/* The same of a text. ERR_INVALID_INPUT, not logged; ERR_INTERNAL: no memory. */
must_check enum err jose_keys_parse(struct str pem, struct jose_keys **out);
void jose_keys_free(struct jose_keys *keys);

/* The keys of a set in the order of the files, each once; JOSE_KID_LEN characters, borrowed. */
size_t jose_keys_count(const struct jose_keys *keys);
const char *jose_keys_kid(const struct jose_keys *keys, size_t i);
bool jose_keys_has(const struct jose_keys *keys, const char *kid);

/* The kid of what it signs with, borrowed; NULL when it cannot sign. */
const char *jose_keys_signer(const struct jose_keys *keys);

/* Can this set sign? */
bool jose_keys_can_sign(const struct jose_keys *keys);

/* Does keys verify whatever old does, and ever did? False when a key was taken away. */
bool jose_keys_cover(const struct jose_keys *keys, const struct jose_keys *old);

/* Writes a NUL-terminated token; its length without the NUL goes to *len. Header:
 * {"alg":"EdDSA","typ":"at+jwt","kid":<RFC 7638 thumbprint>}. ERR_INTERNAL when the set cannot
 * sign. */
must_check enum err jose_sign(struct jose_keys *keys, const char *issuer, const char *audience,
	const struct claims *claims, char out[JOSE_TOKEN_MAX], size_t *len);

/*
 * Signature, form, issuer, audience and times (60 s of skew for iat and nbf, none for exp).
 * ERR_UNAUTHORIZED when any is wrong, ERR_TOKEN_EXPIRED when only exp is; *out is then untouched.
 */
must_check enum err jose_verify(struct jose_keys *keys, const char *issuer, const char *audience,
	struct str token, int64_t now_s, struct claims *out);

#endif
