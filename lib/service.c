/* Service tokens (service.h). Called by rest/service.c and ops/parley/token.c. */
#include "lib/service.h"

#include <string.h>

static const struct str prefix = { "pst_", 4 };

void service_token_new(char out[SERVICE_TOKEN_LEN + 1], uint8_t hash[SERVICE_HASH_BYTES])
{
	memcpy(out, prefix.ptr, prefix.len);
	secret_new(out + prefix.len, hash);
}

bool service_token_is(struct str token)
{
	return str_starts(token, prefix);
}

enum err service_token_hash(struct str token, uint8_t hash[SERVICE_HASH_BYTES])
{
	if (!service_token_is(token))
		return ERR_UNAUTHORIZED;
	return secret_hash((struct str){ token.ptr + prefix.len, token.len - prefix.len }, hash);
}
