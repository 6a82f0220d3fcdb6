/* People as identity providers tell of them: in the claims of their tokens, and by webhook. */
#ifndef LIB_MODEL_IDENTITY_H
#define LIB_MODEL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/err.h"
#include "lib/fault.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

/* A person, and with a token its session. What the provider does not tell, or what cannot be, is none: ptr
 * NULL. All texts are good as those of a user (lib/model/user.h). */
struct identity {
	struct uuid user_id;
	struct uuid session_id; /* nil without a token, as the two below */
	struct uuid device_id;
	int64_t expires_at_us;
	struct str issuer;
	struct str subject;
	struct str handle;
	struct str display_name;
	struct str email;
	struct str avatar_url;
};

/*
 * Of the claims of a token that idp_verify (lib/idp.h) has found good, and the session that it gave. Which
 * claims are taken for what is said by the settings idp_claim_…. ERR_INVALID_INPUT: they are no claims of
 * such a token. *out lives on the arena, and as long as claims.
 */
must_check enum err identity_claims_read(struct arena *arena, const struct conf *conf,
	struct str claims, const struct uuid *session_id, struct identity *out);

/* POST /webhooks/identity, in the shape of Clerk. */
enum identity_event_kind {
	IDENTITY_OTHER, /* nothing of ours: nothing else is then filled in */
	IDENTITY_CREATED,
	IDENTITY_UPDATED,
	IDENTITY_DELETED
};

struct identity_event {
	enum identity_event_kind kind;
	struct identity identity;
	int64_t told_at_us; /* as of when; sent_at_s where it does not say */
};

void identity_event_read(struct arena *arena, const struct json *body, struct str issuer,
	int64_t sent_at_s, struct faults *faults, struct identity_event *out);

/* A key as it is kept (lib/jwk.h). */
struct identity_key {
	struct str issuer;
	struct str kid;
	struct str jwk;
};

/* The document that idp_read (lib/idp.h) takes: the issuers of the settings, and those of the keys, in
 * order of their issuers, that are of one. */
void identity_document_write(
	struct buf *buf, const struct conf *conf, const struct identity_key *keys, size_t nkeys);

#endif
