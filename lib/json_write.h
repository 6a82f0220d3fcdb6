/*
 * JSON out: appends to a buffer, escaping once. Commas come by themselves: a value or key that
 * follows a value gets one. The caller opens and closes in order; nothing checks that. Whatever
 *stands in the buffer before a document ends in a newline, so that it is not taken for a value.
 *
 *	json_write_object(buf);
 *	json_write_key(buf, "id");
 *	json_write_uuid(buf, &id);
 *	json_write_object_end(buf);
 */
#ifndef LIB_JSON_WRITE_H
#define LIB_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/text.h"

void json_write_object(struct buf *buf);
void json_write_object_end(struct buf *buf);
void json_write_array(struct buf *buf);
void json_write_array_end(struct buf *buf);

/* key: a NUL-terminated name of ours that needs no escaping. */
static inline void json_write_key(struct buf *buf, const char *key);

/* Well-formed UTF-8; null when text.ptr is NULL. Escapes ", \ and C0 controls, nothing else
 * (short forms \b \t \n \f \r, else \u00xx in lower case). */
void json_write_str(struct buf *buf, struct str text);
void json_write_string(struct buf *buf, const char *string); /* NUL-terminated or NULL */

void json_write_int(struct buf *buf, int64_t number);
void json_write_bool(struct buf *buf, bool truth);
void json_write_null(struct buf *buf);

/* null for the nil UUID. */
void json_write_uuid(struct buf *buf, const struct uuid *id);

/* RFC 3339 in quotes; null for TIME_NONE. */
void json_write_time(struct buf *buf, int64_t time_us);

/* Text that is JSON already; null when json.ptr is NULL. */
void json_write_raw(struct buf *buf, struct str json);

/* The hot path: a page of history has a thousand keys, and of each the length is known when compiling. */
extern const bool json_ends_value[256];

static inline void json_write_comma(struct buf *buf)
{
	if (buf->len > 0 && json_ends_value[(uint8_t)buf->data[buf->len - 1]])
		buf_add_char(buf, ',');
}

static inline __attribute__((always_inline)) void json_write_key(struct buf *buf, const char *key)
{
	size_t len = __builtin_strlen(key);
	if (buf->cap - buf->len < len + sizeof(",\"\":"))
		buf_reserve(buf, len + sizeof(",\"\":"));
	json_write_comma(buf);
	char *at = buf->data + buf->len;
	*at++ = '"';
	__builtin_memcpy(at, key, len);
	at += len;
	*at++ = '"';
	*at = ':';
	buf->len += len + 3;
}

#endif
