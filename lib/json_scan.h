/*
 * JSON as text: the strict check of bytes that came from outside, and walking over text that has
 * passed it, in its own spelling and without a tree. For json_read.c and json_canonical.c, and for
 * the broker plugin, which has no arena. No memory is taken but the stack.
 */
#ifndef LIB_JSON_SCAN_H
#define LIB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	JSON_DEPTH_MAX = 8,    /* of a request; an object or array is one level */
	JSON_DEPTH_LIMIT = 64, /* of any document, whatever a caller asks for */
	JSON_KEYS_MAX = 4096,  /* keys of one object and of those around it */
	JSON_NODES_MAX = 8192, /* objects and arrays in one document; in the tree each is ~1 KiB */
	JSON_WHY_BYTES = 96,
};

/* The scan alone: ERR_MALFORMED when text is not one strict JSON document (RFC 8259, RFC 3629, no
 * U+0000, no lone surrogate, no key twice in one object, no number that a double cannot hold) of at
 * most max_depth levels; *why then says what and where ("duplicate key at byte 17"). */
must_check enum err json_scan(struct str text, unsigned max_depth, char why[JSON_WHY_BYTES]);

/* A value inside a scanned text: looks up a key of the top-level object; false when it is not
 * there. *raw is the value's own spelling, trimmed. key is one of ours, without quote or backslash.
 */
bool json_raw(struct str text, const char *key, struct str *raw);

/*
 * Walking over scanned text: json_inside gives what is between the brackets of an object or array,
 * or between the quotes of a string, and json_walk then cuts one value after the other off its
 * front, for an object key and value in turn. *value is the value's own spelling; false at the end.
 */
struct str json_inside(struct str value);
bool json_walk(struct str *rest, struct str *value);

/* The next character of what is between a string's quotes, unescaped; rest must not be empty. */
uint32_t json_char(struct str *rest);

/* Writes a character as UTF-8; the number of bytes. */
size_t json_char_put(uint32_t code_point, char out[4]);

/* What a string's own spelling means: writes it to out, which holds size bytes, with a NUL behind it.
 * False when raw is no string, or there is no room. */
bool json_text(struct str raw, char *out, size_t size);

/* Orders what is between the quotes of two strings by the bytes that they mean; as memcmp. */
int json_compare(struct str a, struct str b);

#endif
