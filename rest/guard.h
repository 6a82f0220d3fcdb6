/* What a route demands before its handler is called: a caller, a rate, an answer that the client
 * takes. */
#ifndef REST_GUARD_H
#define REST_GUARD_H

#include "rest/request.h"

enum guard {
	GUARD_NONE, /* anybody */
	GUARD_USER, /* a valid access token; req->caller is set */
};

/* Rate classes: rate_limits[] has their figures. Counted by user, by address where there is none.
 */
enum rate {
	RATE_NONE,
	RATE_AUTH,
	RATE_LOGIN,
	RATE_READ,
	RATE_WRITE,
	RATE_SEND,
	RATE__MAX
};

/* ERR_UNAUTHORIZED, ERR_TOKEN_EXPIRED. */
must_check enum err guard_caller(struct request *req, enum guard guard);

/* Takes one from the caller's bucket and adds the RateLimit headers. ERR_RATE_LIMITED, with
 * Retry-After. */
must_check enum err guard_rate(struct request *req, enum rate rate);

/* The same from a bucket of another key (the account that a login names), without headers when it
 * lets through. */
must_check enum err guard_rate_key(struct request *req, enum rate rate, struct str key);

/* Does the client take JSON? ERR_NOT_ACCEPTABLE. */
must_check enum err guard_accept(const struct request *req);

/* A worker's cache of tokens whose signature it has checked; bounded, lives as long as the worker.
 */
struct token_cache *token_cache_new(void);

#endif
