/* The part of a representation that a client asks for: Range of RFC 9110 section 14, one range of bytes. */
#ifndef LIB_RANGE_H
#define LIB_RANGE_H

#include <stdint.h>

#include "lib/text.h"

enum range_kind {
	RANGE_WHOLE, /* no Range, or one that is to be passed over: of another unit, of several parts, no range at all */
	RANGE_PART,	    /* these bytes */
	RANGE_UNSATISFIABLE /* there are no such bytes */
};

/* Bytes of a representation. */
struct range {
	uint64_t first;
	uint64_t bytes; /* never 0 */
};

/* What a Range header (ptr NULL: none) asks of a representation of size bytes. *out: the part, cut at the end; else all of it. */
enum range_kind range_read(struct str header, uint64_t size, struct range *out);

#endif
