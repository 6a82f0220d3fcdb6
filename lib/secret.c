/* Random secrets (secret.h). Called by push/notify/reset.c, rest/handler/reset.c and lib/service.c. */
#include "lib/secret.h"

#include <sodium.h>
#include <string.h>

void secret_new(char text[SECRET_TEXT_LEN + 1], uint8_t hash[SECRET_HASH_BYTES])
{
	uint8_t bytes[SECRET_BYTES];
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2base64(text, SECRET_TEXT_LEN + 1, bytes, sizeof(bytes),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	crypto_generichash(hash, SECRET_HASH_BYTES, bytes, sizeof(bytes), NULL, 0);
	explicit_bzero(bytes, sizeof(bytes));
}

enum err secret_hash(struct str text, uint8_t hash[SECRET_HASH_BYTES])
{
	uint8_t bytes[SECRET_BYTES];
	size_t len;
	if (text.len != SECRET_TEXT_LEN || !text_is_base64url(text) ||
		sodium_base642bin(bytes, sizeof(bytes), text.ptr, text.len, NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof(bytes))
		return ERR_UNAUTHORIZED;
	crypto_generichash(hash, SECRET_HASH_BYTES, bytes, sizeof(bytes), NULL, 0);
	explicit_bzero(bytes, sizeof(bytes));
	return OK;
}
