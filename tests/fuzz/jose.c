/*
 * Fuzzes the reading of tokens. Bytes are taken as a whole token; as header and claims of one that is then put
 * together around them, with a signature that is right, so that every check behind it is reached; and as
 * the file of a key.
 */
#include "lib/jose.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NOW_S = 1800000000
};

static struct jose_keys keys;

static void key_make(void)
{
	static const unsigned char seed[crypto_sign_ed25519_SEEDBYTES] =
		"a seed that is no secret at all";
	struct key *key = &keys.keys[0];
	if (sodium_init() < 0)
		abort();
	crypto_sign_ed25519_seed_keypair(key->public_key, key->secret_key, seed);
	key->is_private = true;
	key_name(key);
	keys.count = 1;
}

static void verify(struct str token)
{
	struct claims claims;
	if (jose_verify(&keys, "https://parley.test", "parley", token, NOW_S, &claims) != OK)
		return;
	/* What was accepted is in order. */
	if (!topic_device_ok(str_of(claims.device_id)) || claims.expires_at_s <= NOW_S ||
		claims.issued_at_s > NOW_S + SKEW_S)
		abort();
}

/* header "." claims, both in the clear; no dot: the right header before these claims */
static void verify_made(const uint8_t *data, size_t size)
{
	char token[3 * JOSE_TOKEN_MAX];
	if (size > JOSE_TOKEN_MAX / 2)
		return;
	const uint8_t *dot = memchr(data, '.', size);
	size_t at;
	if (dot) {
		at = encode(token, sizeof(token), data, (size_t)(dot - data));
		size -= (size_t)(dot + 1 - data);
		data = dot + 1;
	} else {
		at = strlen(keys.keys[0].header);
		memcpy(token, keys.keys[0].header, at);
	}
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, data, size);
	unsigned char signature[SIGNATURE_BYTES];
	crypto_sign_ed25519_detached(
		signature, NULL, (unsigned char *)token, at, keys.keys[0].secret_key);
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, signature, sizeof(signature));
	verify((struct str){ token, at });
}

static void parse_keys(const uint8_t *data, size_t size)
{
	struct jose_keys *parsed;
	if (jose_keys_parse((struct str){ (const char *)data, size }, &parsed) != OK)
		return;
	if (jose_keys_count(parsed) == 0 || jose_keys_count(parsed) > JOSE_KEYS_MAX)
		abort();
	jose_keys_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (keys.count == 0)
		key_make();
	verify((struct str){ (const char *)data, size });
	verify_made(data, size);
	if (size > 10 && memmem(data, size, "-----BEGIN", 10))
		parse_keys(data, size);
	return 0;
}
