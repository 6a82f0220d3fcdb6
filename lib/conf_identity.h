/* Settings of identity providers, which belong together. Called by conf.c at the start. */
#ifndef LIB_CONF_IDENTITY_H
#define LIB_CONF_IDENTITY_H

#include "lib/conf.h"

/* Are they good, each and together? Every fault is logged. */
bool conf_identity_ok(const struct conf *conf);

/* The provider whose people the webhook tells of: identity_webhook_issuer, or the first of idp_issuer, or
 * "webhook" where there is none. Borrowed from conf. */
struct str conf_webhook_issuer(const struct conf *conf);

#endif
