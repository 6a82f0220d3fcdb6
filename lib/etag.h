/* Entity tags in conditions: If-Match, If-None-Match, If-Range (RFC 9110 section 13.1). */
#ifndef LIB_ETAG_H
#define LIB_ETAG_H

#include <stdbool.h>

#include "lib/text.h"

/* Does a list of entity tags, or "*", have this one, a strong one with its quotes? weak: W/ before one of the list is no
 * difference (If-None-Match); else such a one is never it (If-Match). A list that is none has nothing from there on. */
bool etag_listed(struct str list, struct str etag, bool weak);

#endif
