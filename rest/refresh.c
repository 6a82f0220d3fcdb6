/* Refresh tokens (refresh.h). Called by rest/handler/auth.c. */
#include "rest/refresh.h"

#include <sodium.h>
#include <string.h>

enum {
	FAMILY_BYTES = REFRESH_BYTES / 2
};

/* Everything else follows from the bytes. */
static void refresh_complete(struct refresh *refresh)
{
	sodium_bin2base64(refresh->text, sizeof(refresh->text), refresh->bytes,
		sizeof(refresh->bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	crypto_generichash(
		refresh->hashes.family, REFRESH_HASH_BYTES, refresh->bytes, FAMILY_BYTES, NULL, 0);
	crypto_generichash(
		refresh->hashes.whole, REFRESH_HASH_BYTES, refresh->bytes, REFRESH_BYTES, NULL, 0);
}

void refresh_new(struct refresh *out)
{
	randombytes_buf(out->bytes, sizeof(out->bytes));
	refresh_complete(out);
}

void refresh_next(const struct refresh *old, struct refresh *out)
{
	memcpy(out->bytes, old->bytes, FAMILY_BYTES);
	randombytes_buf(out->bytes + FAMILY_BYTES, REFRESH_BYTES - FAMILY_BYTES);
	refresh_complete(out);
}

enum err refresh_parse(struct str text, struct refresh *out)
{
	size_t len;

	if (text.len != REFRESH_TOKEN_LEN || !text_is_base64url(text) ||
		sodium_base642bin(out->bytes, sizeof(out->bytes), text.ptr, text.len, NULL, &len,
			NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		len != sizeof(out->bytes))
		return ERR_UNAUTHORIZED;
	refresh_complete(out);
	return OK;
}
