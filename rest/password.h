/* Passwords: argon2id in the format of crypto_pwhash_str. Nothing here asks the database. */
#ifndef REST_PASSWORD_H
#define REST_PASSWORD_H

#include <sodium.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/text.h"

/* A hash of today's figures. ERR_UNAVAILABLE when there is no memory for it right now. */
must_check enum err password_hash(struct str password, char out[crypto_pwhash_STRBYTES]);

/* Is it the password of this hash? hash.ptr NULL: of nobody, which takes as long to deny. */
bool password_fits(struct str password, struct str hash);

/* Was the hash made with figures that are no longer today's? */
bool password_is_weak(struct str hash);

#endif
