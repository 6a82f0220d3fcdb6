/*
 * multipart/form-data (RFC 7578, RFC 2046) as it comes in, a piece at a time, in memory that does not depend on how long it is. What
 * it finds it tells a sink: the head of a part, its content in pieces, its end.
 */
#ifndef LIB_MULTIPART_H
#define LIB_MULTIPART_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/text.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70,
	MULTIPART_HEAD_MAX = 4096, /* of one part, all lines together */
};

/* Whoever takes the parts. What is not OK ends the parsing, and is what multipart_feed returns. */
struct multipart_sink {
	void *context;
	/* A part begins; head: its lines, each ending in CRLF, borrowed for the call. */
	enum err (*head)(void *context, struct str head);
	/* The next piece of its content, borrowed for the call. */
	enum err (*content)(void *context, struct str piece);
	/* It is complete. */
	enum err (*end)(void *context);
};

enum multipart_state {
	MULTIPART_PREAMBLE,  /* before the first part: ignored */
	MULTIPART_DELIMITER, /* behind a boundary: CRLF, or -- */
	MULTIPART_DASH,	     /* the first of those two */
	MULTIPART_PADDING,   /* blanks before the CRLF */
	MULTIPART_HEAD,
	MULTIPART_CONTENT,
	MULTIPART_EPILOGUE /* behind the last: ignored */
};

struct multipart {
	struct multipart_sink sink;
	enum multipart_state state;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CRLF, --, boundary */
	size_t delimiter_len;
	size_t matched; /* of the delimiter, at the end of what was fed */
	char head[MULTIPART_HEAD_MAX];
	size_t head_len;
};

/* Is it multipart/form-data? */
bool multipart_is(struct str content_type);

/* content_type: the header, with its boundary. ERR_MALFORMED: without a good one. */
must_check enum err multipart_begin(struct arena *arena, struct str content_type,
	const struct multipart_sink *sink, struct multipart *out);

/* The next piece of the body. ERR_MALFORMED, or what the sink said. */
must_check enum err multipart_feed(struct multipart *parts, struct str piece);

/* The body has ended. ERR_MALFORMED when the last boundary is missing. */
must_check enum err multipart_finish(const struct multipart *parts);

/* The value of a header in the head of a part; ptr NULL: it has none. */
struct str multipart_header(struct str head, const char *name);

#endif
