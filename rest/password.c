/* Passwords (password.h). Called by rest/handler/auth.c. */
#include "rest/password.h"

#include <string.h>

#include "lib/log.h"

/* argon2id as OWASP advises: 19 MiB, two passes, one lane. */
enum {
	ARGON2_MEMORY_BYTES = 19456 * 1024,
	ARGON2_PASSES = 2
};

/* The hash of no password, made with the same figures: what an unknown user's password is checked
 * against, so that it takes the same time. */
static const char nobody_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$nzenhOXUTKNGlrGGI3e4uw"
				  "$eKThjIa0Ont+UglAV01Ag0L4BMln5XWd3u29MyFzwUc";

/* With the NUL behind it that libsodium wants. False when it can be no hash. */
static bool hash_copy(struct str hash, char out[crypto_pwhash_STRBYTES])
{
	if (!hash.ptr || hash.len >= crypto_pwhash_STRBYTES)
		return false;
	memset(out, 0, crypto_pwhash_STRBYTES);
	memcpy(out, hash.ptr, hash.len);
	return true;
}

enum err password_hash(struct str password, char out[crypto_pwhash_STRBYTES])
{
	if (crypto_pwhash_str_alg(out, password.ptr, password.len, ARGON2_PASSES,
		    ARGON2_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) == 0)
		return OK;
	log_error_errno("cannot hash a password");
	return ERR_UNAVAILABLE;
}

bool password_fits(struct str password, struct str hash)
{
	char known[crypto_pwhash_STRBYTES];
	bool somebody = hash_copy(hash, known);

	if (!somebody)
		hash_copy(STR(nobody_hash), known);
	return crypto_pwhash_str_verify(known, password.ptr, password.len) == 0 && somebody;
}

bool password_is_weak(struct str hash)
{
	char known[crypto_pwhash_STRBYTES];

	return hash_copy(hash, known) &&
	       crypto_pwhash_str_needs_rehash(known, ARGON2_PASSES, ARGON2_MEMORY_BYTES) != 0;
}
