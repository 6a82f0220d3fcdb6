/*
 * Keys of identity providers, see the header. OpenSSL verifies RSA and ECDSA; Ed25519 is libsodium's, as
 * in jose.c. What OpenSSL leaves in the thread's queue of errors is taken away again: the broker, in
 * which this runs, looks at that queue for its own connections.
 */
#include "lib/jwk.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include "lib/json_scan.h"

enum {
	RSA_BYTES_MAX = 512,
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	EXPONENT_BYTES_MAX = 8, /* 65537 in practice; a long one makes verifying slow */
	P256_BYTES = 32,
	POINT_BYTES = 1 + 2 * P256_BYTES,
	ES256_BYTES = 2 * P256_BYTES,
	ES256_DER_BYTES_MAX = 80,
};

static const char *const alg_names[JWK_ALG__MAX] = {
	[JWK_RS256] = "RS256",
	[JWK_ES256] = "ES256",
	[JWK_EDDSA] = "EdDSA",
};

/* Members that no public key has. */
static const char *const private_names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

const char *jwk_alg_name(enum jwk_alg alg)
{
	return alg_names[alg];
}

/* --- members --- */

static bool member_is(struct str json, const char *name, struct str wanted)
{
	struct str raw;
	return json_raw(json, name, &raw) && raw.len > 0 && raw.ptr[0] == '"' &&
	       json_compare(json_inside(raw), wanted) == 0;
}

static bool member_is_or_absent(struct str json, const char *name, struct str wanted)
{
	struct str raw;
	return !json_raw(json, name, &raw) || member_is(json, name, wanted);
}

/* The spelling between the quotes of a member that is base64url. */
static bool member_base64url(struct str json, const char *name, struct str *out)
{
	struct str raw;
	if (!json_raw(json, name, &raw) || raw.len < 3 || raw.ptr[0] != '"')
		return false;
	*out = json_inside(raw);
	return text_is_base64url(*out);
}

static bool member_bytes(
	struct str json, const char *name, unsigned char *out, size_t size, size_t *len)
{
	struct str text;
	return member_base64url(json, name, &text) && text_from_base64url(text, out, size, len);
}

static bool is_public(struct str json)
{
	struct str raw;
	for (size_t i = 0; i < sizeof(private_names) / sizeof(private_names[0]); i++) {
		if (json_raw(json, private_names[i], &raw))
			return false;
	}
	return true;
}

/* use is sig and key_ops has verify, where they are there (RFC 7517 sections 4.2 and 4.3). */
static bool may_verify(struct str json)
{
	struct str raw, operation;
	if (!member_is_or_absent(json, "use", STR("sig")))
		return false;
	if (!json_raw(json, "key_ops", &raw))
		return true;
	if (raw.ptr[0] != '[')
		return false;
	struct str rest = json_inside(raw);
	bool found = false;
	while (json_walk(&rest, &operation)) {
		if (operation.ptr[0] != '"')
			return false;
		found |= json_compare(json_inside(operation), STR("verify")) == 0;
	}
	return found;
}

/* --- keys --- */

/* A public key of these parameters; NULL when OpenSSL takes it for none. */
static EVP_PKEY *pkey_make(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM *params = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY *pkey = pkey_make("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *rsa_read(struct str json)
{
	unsigned char modulus[RSA_BYTES_MAX], exponent[EXPONENT_BYTES_MAX];
	size_t modulus_len, exponent_len;
	if (!member_bytes(json, "n", modulus, sizeof(modulus), &modulus_len) ||
		!member_bytes(json, "e", exponent, sizeof(exponent), &exponent_len))
		return NULL;
	BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
	BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
	EVP_PKEY *pkey = NULL;
	if (n && e && BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX &&
		BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e))
		pkey = rsa_of(n, e);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *p256_read(struct str json)
{
	unsigned char point[POINT_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[] = "P-256", curve[] = "EC";
	size_t x_len, y_len;
	if (!member_is(json, "crv", STR("P-256")) ||
		!member_bytes(json, "x", point + 1, P256_BYTES, &x_len) || x_len != P256_BYTES ||
		!member_bytes(json, "y", point + 1 + P256_BYTES, P256_BYTES, &y_len) ||
		y_len != P256_BYTES)
		return NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	/* refuses what is not on the curve */
	return pkey_make(curve, params);
}

static bool ed25519_read(struct str json, unsigned char out[JWK_ED25519_BYTES])
{
	size_t len;
	return member_is(json, "crv", STR("Ed25519")) &&
	       member_bytes(json, "x", out, JWK_ED25519_BYTES, &len) && len == JWK_ED25519_BYTES;
}

/* By the type, which leaves one algorithm. */
static bool key_read(struct str json, struct jwk *key)
{
	if (member_is(json, "kty", STR("RSA"))) {
		key->alg = JWK_RS256;
		key->pkey = rsa_read(json);
	} else if (member_is(json, "kty", STR("EC"))) {
		key->alg = JWK_ES256;
		key->pkey = p256_read(json);
	} else {
		key->alg = JWK_EDDSA;
		return member_is(json, "kty", STR("OKP")) && ed25519_read(json, key->ed25519);
	}
	return key->pkey != NULL;
}

enum err jwk_read(struct str json, struct jwk *out)
{
	struct jwk key = { .pkey = NULL };
	struct str kid;
	if (json.len == 0 || json.ptr[0] != '{' || !is_public(json) || !may_verify(json) ||
		!json_raw(json, "kid", &kid) || !json_text(kid, key.kid, sizeof(key.kid)) ||
		key.kid[0] == '\0')
		return ERR_INVALID_INPUT;

	ERR_set_mark();
	bool ok = key_read(json, &key);
	ERR_pop_to_mark();
	if (!ok)
		return ERR_INVALID_INPUT;
	if (!member_is_or_absent(json, "alg", str_of(jwk_alg_name(key.alg)))) {
		jwk_free(&key);
		return ERR_INVALID_INPUT;
	}
	*out = key;
	return OK;
}

void jwk_free(struct jwk *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

/* --- verifying --- */

static bool digest_verify(
	EVP_PKEY *pkey, struct str covered, const unsigned char *signature, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ERR_set_mark();
	/* of RSA the padding is PKCS #1 version 1.5 where nothing else is said */
	bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, signature, len, (const unsigned char *)covered.ptr,
			  covered.len) == 1;
	ERR_pop_to_mark();
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Of r and s, each of 32 bytes (RFC 7518 section 3.4), makes what OpenSSL takes; 0: no memory. */
static int es256_der(const unsigned char *signature, unsigned char out[ES256_DER_BYTES_MAX])
{
	int len = 0;
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, P256_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(signature + P256_BYTES, P256_BYTES, NULL);
	if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1) {
		len = i2d_ECDSA_SIG(both, &out);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(both);
	return len > 0 ? len : 0;
}

bool jwk_verify(const struct jwk *key, struct str covered, const unsigned char *signature,
	size_t signature_len)
{
	unsigned char der[ES256_DER_BYTES_MAX];
	int der_len;
	switch (key->alg) {
	case JWK_RS256:
		return digest_verify(key->pkey, covered, signature, signature_len);
	case JWK_ES256:
		if (signature_len != ES256_BYTES)
			return false;
		der_len = es256_der(signature, der);
		return der_len > 0 && digest_verify(key->pkey, covered, der, (size_t)der_len);
	case JWK_EDDSA:
		return signature_len == crypto_sign_ed25519_BYTES &&
		       crypto_sign_ed25519_verify_detached(signature,
			       (const unsigned char *)covered.ptr, covered.len, key->ed25519) == 0;
	case JWK_ALG__MAX:
		break;
	}
	return false;
}

/* --- sets --- */

/* Members of each type beside kty, kid and alg, in the order in which they are written. */
static const char *const public_names[JWK_ALG__MAX][4] = {
	[JWK_RS256] = { "n", "e" },
	[JWK_ES256] = { "crv", "x", "y" },
	[JWK_EDDSA] = { "crv", "x" },
};
static const char *const type_names[JWK_ALG__MAX] = {
	[JWK_RS256] = "RSA",
	[JWK_ES256] = "EC",
	[JWK_EDDSA] = "OKP",
};

/* The key without what else the provider says of it. False: there is no room, as a kid that is all
 * escapes takes six bytes for one. */
static bool entry_write(struct str json, enum jwk_alg alg, char *out, size_t size)
{
	struct str raw;
	if (!json_raw(json, "kid", &raw))
		return false;
	int len = snprintf(out, size, "{\"kty\":\"%s\",\"kid\":%.*s,\"alg\":\"%s\"",
		type_names[alg], (int)raw.len, raw.ptr, alg_names[alg]);
	for (const char *const *name = public_names[alg]; *name; name++) {
		if (len < 0 || (size_t)len >= size || !json_raw(json, *name, &raw))
			return false;
		int more = snprintf(out + len, size - (size_t)len, ",\"%s\":%.*s", *name,
			(int)raw.len, raw.ptr);
		len = more < 0 ? more : len + more;
	}
	if (len < 0 || (size_t)len + 1 >= size)
		return false;
	memcpy(out + len, "}", 2);
	return true;
}

/* False: it is of no use, or its kid was there before. */
static bool entry_read(
	struct str json, const struct jwk_entry *before, size_t count, struct jwk_entry *out)
{
	struct jwk key;
	if (jwk_read(json, &key) != OK)
		return false;
	jwk_free(&key);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(before[i].kid, key.kid) == 0)
			return false;
	}
	if (!entry_write(json, key.alg, out->text, sizeof(out->text)))
		return false;
	memcpy(out->kid, key.kid, sizeof(out->kid));
	return true;
}

enum err jwk_set_read(struct str document, struct jwk_entry out[JWK_SET_MAX], size_t *count)
{
	char why[JSON_WHY_BYTES];
	struct str keys, json;
	if (json_scan(document, JWK_SET_DEPTH_MAX, why) != OK)
		return ERR_MALFORMED;
	if (!json_raw(document, "keys", &keys) || keys.ptr[0] != '[')
		return ERR_INVALID_INPUT;
	size_t found = 0;
	struct str rest = json_inside(keys);
	while (found < JWK_SET_MAX && json_walk(&rest, &json)) {
		if (entry_read(json, out, found, &out[found]))
			found++;
	}
	if (found == 0)
		return ERR_INVALID_INPUT;
	*count = found;
	return OK;
}
