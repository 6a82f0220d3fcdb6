/*
 * Tokens of identity providers (lib/idp.h) in the plugin. parley-push tells whose are good and by which keys (control.h);
 * who comes with one is told back to it (notice.h), since the person may never have been here before. From memory alone:
 * nothing is fetched.
 */
#ifndef PUSH_BROKER_IDENTITY_H
#define PUSH_BROKER_IDENTITY_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/idp.h"
#include "lib/text.h"

struct broker;
struct control;

struct identity {
	struct idp *idp; /* NULL: nobody else's tokens are good */
	/* by issuer, of those that want a key: when that was told last, monotonic */
	struct wanted {
		const char *issuer; /* borrowed from idp */
		int64_t told_us;
	} wanted[IDP_ISSUERS_MAX];
};

void identity_free(struct identity *identity);

/* Whose token is it? Errors of idp_verify. For ERR_NOT_FOUND parley-push is told that a key is wanted, at most once a second
 * an issuer. */
must_check enum err identity_verify(
	struct broker *broker, struct str token, int64_t now_s, struct idp_token *out);

/* Tells parley-push who comes in with a token. ERR_UNAVAILABLE: nobody is there to hear it, or no memory. */
must_check enum err identity_tell(struct broker *broker, const struct idp_token *token);

/* A parley-push listens from now on. What was told to the one before may have died with it: who is not known yet has to come again. */
void identity_listen(struct broker *broker);

/* The verb known. */
void identity_receive_known(struct broker *broker, const struct control *control);

/* The verb keys: these issuers and keys take the place of those before. What is bad, or no memory, leaves these. */
void identity_receive(struct broker *broker, const struct control *control);

#endif
