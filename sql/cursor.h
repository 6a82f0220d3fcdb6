/*
 * Where a page of a list by time begins: behind the row of this time and id, the last of the page before.
 */
#ifndef SQL_CURSOR_H
#define SQL_CURSOR_H

#include <stdint.h>

#include "lib/id.h"
#include "lib/time.h"

struct cursor {
	int64_t at_us; /* TIME_NONE: the first page */
	struct uuid id;
};

#endif
