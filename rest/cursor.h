/* The cursor of a list, as clients see it: one opaque string. */
#ifndef REST_CURSOR_H
#define REST_CURSOR_H

#include "rest/request.h"
#include "sql/cursor.h"

/* For "next": of the last row of a page. On the arena. */
const char *cursor_write(struct arena *arena, int64_t at_us, const struct uuid *id);

/* The parameter "cursor"; the first page when it is absent, a fault when it is none. */
void cursor_read(struct request *req, struct cursor *out);

/* The same of a list by a number from 1 on, latest first; 0: the first page. */
const char *cursor_write_number(struct arena *arena, int64_t number);
int64_t cursor_read_number(struct request *req);

/* The same of a list by id; nil: the first page. */
const char *cursor_write_id(struct arena *arena, const struct uuid *id);
void cursor_read_id(struct request *req, struct uuid *out);

/* The same of a list by name. asked: what the list was searched by; the cursor of another search is none of this. */
const char *cursor_write_name(
	struct arena *arena, struct str asked, const struct name_cursor *place);
void cursor_read_name(struct request *req, struct str asked, struct name_cursor *out);

/* The same of messages of several conversations by time. */
const char *cursor_write_message(struct arena *arena, const struct message_cursor *place);
void cursor_read_message(struct request *req, struct message_cursor *out);

#endif
