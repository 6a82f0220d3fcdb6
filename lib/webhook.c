/* Signatures of webhooks, see the header. */
#include "lib/webhook.h"

#include <string.h>

#include <sodium.h>

enum {
	SIGNATURE_BYTES = crypto_auth_hmacsha256_BYTES,
	SIGNATURES_MAX = 32,
};

/* Canonical base64 of at most size bytes. */
static bool base64_decode(struct str text, unsigned char *out, size_t size, size_t *len)
{
	size_t expected;
	return text_is_base64(text, &expected) && expected <= size &&
	       sodium_base642bin(out, size, text.ptr, text.len, NULL, len, NULL,
		       sodium_base64_VARIANT_ORIGINAL) == 0;
}

static bool secret_decode(struct str text, unsigned char out[WEBHOOK_SECRET_MAX], size_t *len)
{
	static const struct str prefix = { "whsec_", 6 };
	if (str_starts(text, prefix)) {
		text.ptr += prefix.len;
		text.len -= prefix.len;
	}
	return base64_decode(text, out, WEBHOOK_SECRET_MAX, len) && *len >= WEBHOOK_SECRET_MIN;
}

bool webhook_secrets_ok(struct str secrets)
{
	unsigned char secret[WEBHOOK_SECRET_MAX];
	struct str word;
	size_t count = 0, len;
	bool ok = true;
	while (ok && text_word(&secrets, &word))
		ok = ++count <= WEBHOOK_SECRETS_MAX && secret_decode(word, secret, &len);
	explicit_bzero(secret, sizeof(secret));
	return ok && count > 0;
}

static void part_add(crypto_auth_hmacsha256_state *state, struct str part)
{
	crypto_auth_hmacsha256_update(state, (const unsigned char *)part.ptr, part.len);
}

static void sign(const struct webhook *webhook, const unsigned char *secret, size_t secret_len,
	unsigned char out[SIGNATURE_BYTES])
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, secret, secret_len);
	part_add(&state, webhook->id);
	part_add(&state, STR("."));
	part_add(&state, webhook->timestamp);
	part_add(&state, STR("."));
	part_add(&state, webhook->body);
	crypto_auth_hmacsha256_final(&state, out);
	explicit_bzero(&state, sizeof(state));
}

/* Looks at all of the list, wherever one fits. */
static bool signatures_have(struct str list, const unsigned char expected[SIGNATURE_BYTES])
{
	static const struct str version = { "v1,", 3 };
	struct str word;
	bool found = false;
	for (size_t i = 0; i < SIGNATURES_MAX && text_word(&list, &word); i++) {
		unsigned char signature[SIGNATURE_BYTES];
		size_t len;
		if (!str_starts(word, version))
			continue;
		word.ptr += version.len;
		word.len -= version.len;
		if (base64_decode(word, signature, sizeof(signature), &len) &&
			len == sizeof(signature))
			found |= sodium_memcmp(signature, expected, sizeof(signature)) == 0;
	}
	return found;
}

enum err webhook_verify(
	struct str secrets, const struct webhook *webhook, int64_t now_s, int64_t *sent_at_s)
{
	unsigned char secret[WEBHOOK_SECRET_MAX], expected[SIGNATURE_BYTES];
	struct str word;
	size_t secret_len;
	long long at_s;
	bool found = false;
	if (webhook->id.len == 0 || webhook->id.len > WEBHOOK_ID_MAX ||
		!text_is_utf8(webhook->id) || !webhook->signatures.ptr ||
		!text_parse_int(
			webhook->timestamp, now_s - WEBHOOK_SKEW_S, now_s + WEBHOOK_SKEW_S, &at_s))
		return ERR_UNAUTHORIZED;
	while (text_word(&secrets, &word)) {
		if (!secret_decode(word, secret, &secret_len))
			continue;
		sign(webhook, secret, secret_len, expected);
		found |= signatures_have(webhook->signatures, expected);
	}
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(expected, sizeof(expected));
	if (!found)
		return ERR_UNAUTHORIZED;
	*sent_at_s = at_s;
	return OK;
}
