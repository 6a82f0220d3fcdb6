/* What a route demands before its handler is called: a caller, a rate, an answer that the client
 * takes. */
#ifndef REST_GUARD_H
#define REST_GUARD_H

#include "lib/rate.h"
#include "rest/request.h"

enum guard {
	GUARD_NONE, /* anybody */
	GUARD_SELF, /* a person with a session of its own: what no service may do for it */
	GUARD_USER, /* a person, or a service with the route's scope that acts for one */
	GUARD_ANY,  /* those, or such a service for itself: the handler looks at req->caller.kind */
	GUARD__MAX
};

/* Who asks: sets req->caller. ERR_UNAUTHORIZED, ERR_TOKEN_EXPIRED; for services also what service_enter comes to, and
 * ERR_FORBIDDEN for a person with Parley-Act-As. */
must_check enum err guard_caller(struct request *req, enum guard guard);

/* Takes one from the caller's bucket and adds the RateLimit headers. ERR_RATE_LIMITED, with
 * Retry-After. Not for services, which were counted when they came in. */
must_check enum err guard_rate(struct request *req, enum rate rate);

/* The same for the bucket of a key. */
must_check enum err guard_rate_key(struct request *req, enum rate rate, struct str key);

/* The limit of guessing at service tokens from one address. No headers when it lets through; ERR_RATE_LIMITED, with Retry-After. */
must_check enum err guard_token(struct request *req);

/* The limit of coming with tokens of an identity provider that the database has to be asked about. As above. */
must_check enum err guard_seen(struct request *req, const struct uuid *user);

/*
 * The limits of guessing an account's password: of one address; and of whoever it may be, or, for one of the devices on which
 * the account has signed in before, of that device (nil or NULL: none). So nobody is locked out by strangers of many addresses, who
 * do not know its devices. No headers when they let through; ERR_RATE_LIMITED, with Retry-After. name: what the client
 * calls the account, in any case.
 */
must_check enum err guard_guess(struct request *req, struct str name);
must_check enum err guard_account(struct request *req, struct str name, const struct uuid *device);

/* The limit of asking for a new password for an address, known or not, in any case. As above. */
must_check enum err guard_reset(struct request *req, struct str email);

/* The limit of taking one-time pre-keys of one person. As above; the same for whoever that is, or is not. */
must_check enum err guard_prekeys(struct request *req, const struct uuid *user);

/* Does the client take JSON? ERR_NOT_ACCEPTABLE. */
must_check enum err guard_accept(const struct request *req);

/* A worker's cache of tokens whose signature it has checked; bounded, lives as long as the worker.
 */
struct token_cache *token_cache_new(void);

#endif
