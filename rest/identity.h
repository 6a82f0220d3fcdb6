/*
 * Callers with tokens of identity providers (lib/idp.h). A worker keeps the providers' keys as they are in
 * the database, where parley-notify puts them: nothing is fetched here. Called by guard.c.
 */
#ifndef REST_IDENTITY_H
#define REST_IDENTITY_H

#include "rest/request.h"

/* Keys of the providers of the settings, not read yet; NULL where there are none. Ends the process when out
 * of memory. Pairs with identity_keys_free. */
struct identity_keys *identity_keys_new(const struct conf *conf);
void identity_keys_free(struct identity_keys *keys);

/*
 * For a worker with identity_keys. A token that is none of ours and was not seen by this worker before: who it is of, with user and session made
 * where they are not there. The claims are as those of a token of ours. ERR_UNAUTHORIZED, also for a token by a key
 * that is not known: the key is then asked for. ERR_TOKEN_EXPIRED. ERR_RATE_LIMITED. ERR_UNAVAILABLE.
 */
must_check enum err identity_verify(
	struct request *req, struct str token, int64_t now_s, struct claims *out);

/*
 * Which keys a token that has been verified was verified by: a number that is another when they are others, and above 0. What
 * was verified by others is to be verified again. Looks each minute whether they are.
 */
uint64_t identity_generation(struct request *req);

#endif
