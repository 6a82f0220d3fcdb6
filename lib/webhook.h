/*
 * Webhooks signed as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks, version
 * v1): HMAC-SHA256 of id, time and body by a secret that both sides know. Svix signs alike under other
 * header names. Called by rest/handler/webhook.c, and by lib/conf_identity.c for the secrets.
 */
#ifndef LIB_WEBHOOK_H
#define LIB_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	WEBHOOK_SECRETS_MAX = 8,
	WEBHOOK_SECRET_MIN = 16, /* bytes, decoded */
	WEBHOOK_SECRET_MAX = 128,
	WEBHOOK_ID_MAX = 255,
	WEBHOOK_SKEW_S = 300,
};

/* What the headers say, and the body as it came; ptr NULL: the header is missing. */
struct webhook {
	struct str id;
	struct str timestamp;  /* seconds of UNIX time */
	struct str signatures; /* "v1,<base64> v1,<base64>"; of other versions: passed over */
	struct str body;
};

/* A list of one or more secrets with spaces between, each base64 with or without "whsec_" before it, and of
 * the sizes above. */
bool webhook_secrets_ok(struct str secrets);

/*
 * Is one of the signatures by one of the secrets, and the time at most WEBHOOK_SKEW_S from now?
 * ERR_UNAUTHORIZED when not, or when there is no secret. *sent_at_s: its time.
 */
must_check enum err webhook_verify(
	struct str secrets, const struct webhook *webhook, int64_t now_s, int64_t *sent_at_s);

#endif
