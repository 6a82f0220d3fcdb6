/* What was found by a search in messages, as clients see it (web/api/openapi.yaml). */
#ifndef LIB_MODEL_SEARCH_H
#define LIB_MODEL_SEARCH_H

#include "lib/fault.h"
#include "lib/model/message.h"

/* Around what fits in a marked text; neither is in the text itself. */
#define SEARCH_MARK_BEGIN '\x01'
#define SEARCH_MARK_END '\x02'

struct search_hit {
	struct message message;
	/* the beginning of its body, at most, code point for code point, with marks around what fits; each of the
	 * body's own may be another there */
	struct str marked;
};

/* May it be asked for? Else why not is in faults. */
bool search_text_read(struct str text, struct faults *faults);

/* {"message", "snippet", "highlights"}: of the body so much as a list shows, around the first that fits, and where in that
 * the words that fit begin and end, in code points. */
void search_hit_write(struct buf *buf, const struct search_hit *hit);

#endif
