/*
 * Public keys of identity providers: JSON Web Keys (RFC 7517) and sets of them, and verifying by one
 * (RFC 7518, RFC 8037). A key fixes its algorithm, and a provider's other keys are passed over:
 *
 *   kty RSA, 2048 to 4096 bits    RS256
 *   kty EC, crv P-256             ES256
 *   kty OKP, crv Ed25519          EdDSA
 *
 * Also runs inside the broker: no arena, and nothing here ends the process.
 */
#ifndef LIB_JWK_H
#define LIB_JWK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	JWK_KID_MAX = 255, /* bytes, decoded */
	JWK_ED25519_BYTES = 32,
	JWK_SIGNATURE_MAX = 512, /* bytes, of RSA with 4096 bits */
	JWK_TEXT_BYTES = 3072,	 /* room for any key in the spelling of jwk_text */
	JWK_SET_MAX = 32,	 /* keys of one provider */
	JWK_SET_DEPTH_MAX = 8,
};

enum jwk_alg {
	JWK_RS256,
	JWK_ES256,
	JWK_EDDSA,
	JWK_ALG__MAX
};

struct jwk {
	char kid[JWK_KID_MAX + 1];
	enum jwk_alg alg;
	struct evp_pkey_st *pkey;		  /* RS256, ES256; owned */
	unsigned char ed25519[JWK_ED25519_BYTES]; /* EdDSA */
};

/* As the header of a token spells it: "RS256". */
const char *jwk_alg_name(enum jwk_alg alg);

/*
 * Reads one key; json is an object that json_scan has passed. ERR_INVALID_INPUT: it is of another kind
 * or size, for something else (use, key_ops, alg), private or symmetric, without kid, or no point of
 * its curve. *out pairs with jwk_free and is untouched on failure.
 */
must_check enum err jwk_read(struct str json, struct jwk *out);
void jwk_free(struct jwk *key);

/* Is signature, as a token carries it, that of covered by this key? */
bool jwk_verify(const struct jwk *key, struct str covered, const unsigned char *signature,
	size_t signature_len);

/* One key of a set, to be kept: its kid, and the key with nothing but its public members. */
struct jwk_entry {
	char kid[JWK_KID_MAX + 1];
	char text[JWK_TEXT_BYTES]; /* {"kty":…,"kid":…,"alg":…,…}, ends in NUL */
};

/*
 * What is worth keeping of the document that a provider serves, {"keys":[…]}: at most JWK_SET_MAX keys,
 * the first of each kid; what jwk_read refuses is left out. ERR_MALFORMED: it is no strict JSON, or
 * nested too deep. ERR_INVALID_INPUT: it is no set, or has not one key of use.
 */
must_check enum err jwk_set_read(
	struct str document, struct jwk_entry out[JWK_SET_MAX], size_t *count);

#endif
