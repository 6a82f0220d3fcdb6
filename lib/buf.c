/*
 * The growing buffer: what is too slow or too rare to be inline in the header.
 * Called by the JSON writer, the replies of parley-rest and the publishes of parley-push.
 */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"

enum {
	FIRST_BYTES = 256
};

void buf_reserve(struct buf *buf, size_t extra)
{
	if (buf->cap - buf->len >= extra)
		return;
	if (extra > SIZE_MAX / 2 - buf->len)
		fatal("out of memory", LOG_INT("bytes", extra));
	size_t cap = buf->cap < FIRST_BYTES ? FIRST_BYTES : buf->cap;
	while (cap < buf->len + extra)
		cap *= 2;
	char *data = realloc(buf->data, cap);
	if (!data)
		fatal("out of memory", LOG_INT("bytes", cap));
	buf->data = data;
	buf->cap = cap;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->cap - buf->len;
	va_list args;
	va_start(args, format);
	int len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
	va_end(args);
	if (len < 0)
		fatal("text cannot be formatted", LOG_STR("format", format));
	if ((size_t)len >= room) {
		/* vsnprintf also wants a place for its NUL. */
		buf_reserve(buf, (size_t)len + 1);
		va_start(args, format);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)len;
}

void buf_reset(struct buf *buf, size_t keep)
{
	buf->len = 0;
	if (buf->cap <= keep)
		return;
	if (keep == 0) {
		buf_free(buf);
		return;
	}
	char *data = realloc(buf->data, keep);
	if (!data)
		return; /* it could not be made smaller: it is merely larger than asked */
	buf->data = data;
	buf->cap = keep;
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}
