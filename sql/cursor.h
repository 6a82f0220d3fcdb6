/*
 * Where a page of a list begins: behind the last row of the page before.
 */
#ifndef SQL_CURSOR_H
#define SQL_CURSOR_H

#include <stdint.h>

#include "lib/id.h"
#include "lib/text.h"
#include "lib/time.h"

/* Of a list by time. */
struct cursor {
	int64_t at_us; /* TIME_NONE: the first page */
	struct uuid id;
};

/* Of a list by name. */
struct name_cursor {
	struct str name; /* ptr NULL: the first page */
	struct uuid id;
};

/* Of messages of several conversations by time. */
struct message_cursor {
	int64_t at_us; /* TIME_NONE: the first page */
	struct uuid conversation_id;
	int64_t seq;
};

#endif
