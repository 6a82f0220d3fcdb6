/*
 * What the plugin says to parley-push, the other way round of control.h: publishes to parley/identity, which parley-push alone
 * may subscribe to and nobody write. A head of one line, and what belongs to it:
 *
 *	seen <user id> <session id>\n		somebody was let in with an identity provider's token
 *	{"iss":"https://…","sub":"…", …}	its claims, in the provider's spelling
 *
 *	wanted <issuer>\n			a token of this issuer is signed with a key that is not known
 */
#ifndef PUSH_BROKER_NOTICE_H
#define PUSH_BROKER_NOTICE_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/idp.h"
#include "lib/text.h"

enum notice_kind {
	NOTICE_SEEN,
	NOTICE_WANTED
};

struct notice {
	enum notice_kind kind;
	/* of seen */
	struct uuid user_id, session_id;
	struct str claims; /* a JSON object */
	/* of wanted */
	struct str issuer;
};

enum {
	NOTICE_BYTES_MAX = IDP_CLAIMS_MAX + 160
};

/* The bytes of a notice; their number goes to *len. What it points to is within its bounds, the issuer without newline. */
void notice_write(const struct notice *notice, char out[NOTICE_BYTES_MAX], size_t *len);

/* Everything in *out is borrowed from text. ERR_INVALID_INPUT when it is none; the claims are not looked into. */
must_check enum err notice_read(struct str text, struct notice *out);

#endif
