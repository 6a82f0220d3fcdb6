/* Web origins (RFC 6454) whose pages may call the API from elsewhere: the setting cors_origins, a list with blanks between. */
#ifndef LIB_ORIGIN_H
#define LIB_ORIGIN_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/text.h"

/*
 * Is each word of the list an origin as browsers send it: scheme://host or scheme://host:port, in lower case, without the scheme's own port
 * and anything behind? Any scheme may stand there, as apps have their own. ERR_INVALID_INPUT: *bad is the word, borrowed from the list,
 * and *why, a literal, says what is wrong.
 */
must_check enum err origins_check(struct str list, struct str *bad, const char **why);

/* Is the origin in the list, to the letter? */
bool origins_have(struct str list, struct str origin);

#endif
