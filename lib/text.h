/*
 * Text that came from outside: a pointer and a length, and the checks that every layer asks for.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. ptr NULL means "none", which is not the same as empty. */
struct str {
	const char *ptr;
	size_t len;
};

/* A struct str of a string literal, and one of a NUL-terminated string that may be NULL. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
static inline struct str str_of(const char *string)
{
	return (struct str){ string, string ? strlen(string) : 0 };
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII case is ignored; for header names, schemes and media types. */
bool str_equal_nocase(struct str a, struct str b);

bool str_starts(struct str text, struct str prefix);

/* Without the ASCII spaces and tabs around it. */
struct str str_trim(struct str text);

/* The next word of a list with spaces or tabs between, which loses it; false at the end. */
bool text_next_word(struct str *list, struct str *word);

/* Cuts the next word off the front of a list with spaces between; false at its end. */
bool text_word(struct str *rest, struct str *word);

/* Well-formed UTF-8 by RFC 3629 (no overlong form, no surrogate, nothing above U+10FFFF), no NUL.
 */
bool text_is_utf8(struct str text);

/* Code points in well-formed UTF-8. */
size_t text_code_points(struct str text);

/* The first code point of text, which is not empty, and its length in bytes; 0: it is not well-formed. */
size_t text_code_point(struct str text, uint32_t *code_point);

/* Code points from first to last. Is it within one of these, which ascend? */
struct text_range {
	uint32_t first;
	uint32_t last;
};
bool text_in_ranges(const struct text_range *ranges, size_t count, uint32_t code_point);

/* Nothing but white space (Unicode White_Space, and U+200B..U+200D, U+2060, U+FEFF). */
bool text_is_blank(struct str text);

/* Has a control character (C0, DEL, C1) or a bidirectional override (U+202A..U+202E,
 * U+2066..U+2069): not for names and titles, where they deceive. */
bool text_has_control(struct str text);

/* A decimal integer in its one spelling: no sign but '-', no leading zero, no space, within
 * [min, max]. False leaves *value untouched. */
bool text_parse_int(struct str text, long long min, long long max, long long *value);

/* Canonical padded base64 (RFC 4648 section 4, zero trailing bits): false when it is not. The
 * number of bytes that it stands for goes to *decoded_bytes. */
bool text_is_base64(struct str text, size_t *decoded_bytes);

/* Nothing but digits of base64url (RFC 4648 section 5), without padding. To be asked before libsodium 1.0.18 decodes, which
 * takes every byte from 0x80 on for a digit. */
bool text_is_base64url(struct str text);

/* Decodes base64url without padding; false when it is none, is empty, has bits beyond its last byte, or
 * stands for more than size bytes. */
bool text_from_base64url(struct str text, void *out, size_t size, size_t *len);

/* Equal in constant time for equal lengths; the lengths are no secret. */
bool text_equal_secret(struct str a, struct str b);

#endif
