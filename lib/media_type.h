/* Lists of media types in settings, spaces between: image/png, or ranges, of which the second half, or both, are a star. */
#ifndef LIB_MEDIA_TYPE_H
#define LIB_MEDIA_TYPE_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/text.h"

/* Is it a media type, in small letters and without parameters? */
bool media_type_is(struct str text);

/* Is each word a media type or a range of them? ERR_INVALID_INPUT: *bad is the first that is none. */
must_check enum err media_types_check(struct str list, struct str *bad);

/* Does the list have this type? */
bool media_types_have(struct str list, struct str media_type);

#endif
