/*
 * A growing byte buffer on the heap, made to be used again: a worker keeps one for its answers.
 * Running out of memory ends the process (rule 24), so appending cannot fail.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stddef.h>
#include <string.h>

struct buf {
	char *data; /* not NUL-terminated; NULL while cap is 0 */
	size_t len;
	size_t cap;
};

/* Room for extra more bytes after len. */
void buf_reserve(struct buf *buf, size_t extra);

/* Appends len bytes. */
static inline void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (buf->cap - buf->len < len)
		buf_reserve(buf, len);
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

/* Appends one byte. */
static inline void buf_add_char(struct buf *buf, char byte)
{
	if (buf->cap == buf->len)
		buf_reserve(buf, 1);
	buf->data[buf->len++] = byte;
}

/* Appends a NUL-terminated string without its NUL. */
static inline void buf_add_string(struct buf *buf, const char *string)
{
	buf_add(buf, string, strlen(string));
}

/* Appends formatted text. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties it; memory beyond keep bytes is given back. */
void buf_reset(struct buf *buf, size_t keep);

/* Frees its memory and zeroes it; it may be used again. */
void buf_free(struct buf *buf);

#endif
