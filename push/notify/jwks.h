/*
 * Keys of identity providers: fetches what each serves at its idp_jwks_url at the start, each idp_refresh_s, and when somebody has asked
 * because a token names a key that is not known, and puts it in the database, which tells whoever keeps them. Whatever goes
 * wrong leaves the keys as they are, and is tried again.
 */
#ifndef PUSH_NOTIFY_JWKS_H
#define PUSH_NOTIFY_JWKS_H

#include "lib/conf.h"
#include "push/notify/transfer.h"
#include "sql/db.h"

struct jwks;

/* All are borrowed. Pairs with jwks_free. */
struct jwks *jwks_new(const struct conf *conf, struct db *db, struct transfers *transfers);

/* What is under way is broken off. NULL is legal. */
void jwks_free(struct jwks *jwks);

/* As resets_look. */
must_check enum err jwks_look(struct jwks *jwks, int64_t now_us, int64_t *look_at_us);

#endif
