/* Service tokens (service.h). Called by rest/service.c and ops/parley/token.c. */
#include "lib/service.h"

#include <sodium.h>
#include <string.h>

static const struct str prefix = { "pst_", 4 };

void service_token_new(char out[SERVICE_TOKEN_LEN + 1], uint8_t hash[SERVICE_HASH_BYTES])
{
	uint8_t bytes[SERVICE_TOKEN_BYTES];

	randombytes_buf(bytes, sizeof(bytes));
	memcpy(out, prefix.ptr, prefix.len);
	sodium_bin2base64(out + prefix.len, SERVICE_TOKEN_LEN + 1 - prefix.len, bytes,
		sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	crypto_generichash(hash, SERVICE_HASH_BYTES, bytes, sizeof(bytes), NULL, 0);
	explicit_bzero(bytes, sizeof(bytes));
}

bool service_token_is(struct str token)
{
	return str_starts(token, prefix);
}

enum err service_token_hash(struct str token, uint8_t hash[SERVICE_HASH_BYTES])
{
	struct str text = { token.ptr + prefix.len, token.len - prefix.len };
	uint8_t bytes[SERVICE_TOKEN_BYTES];
	size_t len;

	if (token.len != SERVICE_TOKEN_LEN || !service_token_is(token) ||
		!text_is_base64url(text) ||
		sodium_base642bin(bytes, sizeof(bytes), text.ptr, text.len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof(bytes))
		return ERR_UNAUTHORIZED;
	crypto_generichash(hash, SERVICE_HASH_BYTES, bytes, sizeof(bytes), NULL, 0);
	explicit_bzero(bytes, sizeof(bytes));
	return OK;
}
