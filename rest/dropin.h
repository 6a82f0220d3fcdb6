/*
 * The drop-in routes, for products that call the older messaging service: everything below /messages speaks its envelope,
 * {"success":true,"data":…} or {"success":false,"message":"…"}, refusals too. Their handlers are declared with all others.
 */
#ifndef REST_DROPIN_H
#define REST_DROPIN_H

#include "lib/err.h"
#include "lib/language.h"
#include "rest/request.h"

/* Is an address one of theirs, whether there is such a route or not? */
bool dropin_has(struct str path);

/* Writes the envelope of a refusal instead of a problem document. */
void dropin_refuse(struct request *req, enum err err, enum language language);

#endif
