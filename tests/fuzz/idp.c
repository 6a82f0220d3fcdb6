/*
 * Fuzzes the reading of identity providers' tokens. Bytes are taken as a whole token; as header and claims
 * of one that is then put together around them, with a signature that is right, so that every check behind
 * it is reached; as the document of issuers and keys, and as the one that a provider serves.
 */
#include "lib/idp.c"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NOW_S = 1800000000
};

static unsigned char secret_key[crypto_sign_ed25519_SECRETKEYBYTES];
static struct idp *known;

static size_t encode(char *out, size_t out_size, const void *bytes, size_t len)
{
	sodium_bin2base64(out, out_size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return strlen(out);
}

static void key_make(void)
{
	static const unsigned char seed[crypto_sign_ed25519_SEEDBYTES] =
		"a seed that is no secret at all";
	unsigned char public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
	char x[64], document[512];
	if (sodium_init() < 0)
		abort();
	crypto_sign_ed25519_seed_keypair(public_key, secret_key, seed);
	encode(x, sizeof(x), public_key, sizeof(public_key));
	snprintf(document, sizeof(document),
		"{\"issuers\":[{\"issuer\":\"https://idp.test\",\"audience\":[\"parley\"],"
		"\"keys\":[{\"kty\":\"OKP\",\"kid\":\"k\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]}]}",
		x);
	if (idp_read(str_of(document), &known) != OK)
		abort();
}

static void verify(struct str token)
{
	static struct idp_token out;
	char why[JSON_WHY_BYTES];
	struct str issuer = { NULL, 0 };
	enum err err = idp_verify(known, token, NOW_S, &out, &issuer);
	if (err == ERR_NOT_FOUND && !str_equal(issuer, STR("https://idp.test")))
		abort();
	if (err != OK)
		return;
	/* What was accepted is in order. */
	if (out.subject[0] == '\0' || out.expires_at_s <= NOW_S ||
		out.issued_at_s > NOW_S + SKEW_S ||
		json_scan((struct str){ out.claims, out.claims_len }, CLAIMS_DEPTH_MAX, why) != OK)
		abort();
}

/* header "." claims, both in the clear; no dot: the right header before these claims */
static void verify_made(const uint8_t *data, size_t size)
{
	static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"k\"}";
	static char token[3 * IDP_TOKEN_MAX];
	if (size > IDP_TOKEN_MAX / 2)
		return;
	const uint8_t *dot = memchr(data, '.', size);
	size_t at;
	if (dot) {
		at = encode(token, sizeof(token), data, (size_t)(dot - data));
		size -= (size_t)(dot + 1 - data);
		data = dot + 1;
	} else {
		at = encode(token, sizeof(token), header, sizeof(header) - 1);
	}
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, data, size);
	unsigned char signature[crypto_sign_ed25519_BYTES];
	crypto_sign_ed25519_detached(signature, NULL, (unsigned char *)token, at, secret_key);
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, signature, sizeof(signature));
	verify((struct str){ token, at });
}

/* What is kept of a provider's set can be read again. */
static void read_set(struct str document)
{
	static struct jwk_entry entries[JWK_SET_MAX];
	char why[JSON_WHY_BYTES];
	size_t count;
	if (jwk_set_read(document, entries, &count) != OK)
		return;
	for (size_t i = 0; i < count; i++) {
		struct str text = str_of(entries[i].text);
		struct jwk key;
		if (json_scan(text, JWK_SET_DEPTH_MAX, why) != OK || jwk_read(text, &key) != OK ||
			strcmp(key.kid, entries[i].kid) != 0)
			abort();
		jwk_free(&key);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct idp *idp;
	if (!known)
		key_make();
	verify(text);
	verify_made(data, size);
	if (idp_read(text, &idp) == OK)
		idp_free(idp);
	read_set(text);
	return 0;
}
