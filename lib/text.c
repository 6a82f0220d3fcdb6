/*
 * Checks of text from outside: UTF-8, characters that deceive or say nothing, numbers, base64.
 * Called by the readers of lib/model, by parley-rest for headers and queries, and by the log.
 * Not for JSON: lib/json_read.c scans that.
 */
#include "lib/text.h"

#include <limits.h>
#include <stdint.h>

#include <sodium.h>

/* Unicode White_Space, and what has no width; ascending. */
static const struct text_range blanks[] = {
	{ 0x0009, 0x000d },
	{ 0x0020, 0x0020 },
	{ 0x0085, 0x0085 },
	{ 0x00a0, 0x00a0 },
	{ 0x1680, 0x1680 },
	{ 0x2000, 0x200d },
	{ 0x2028, 0x2029 },
	{ 0x202f, 0x202f },
	{ 0x205f, 0x2060 },
	{ 0x3000, 0x3000 },
	{ 0xfeff, 0xfeff },
};

/* C0, DEL and C1, and the bidirectional embeddings, overrides and isolates; ascending. */
static const struct text_range controls[] = {
	{ 0x0000, 0x001f },
	{ 0x007f, 0x009f },
	{ 0x202a, 0x202e },
	{ 0x2066, 0x2069 },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What may follow a lead byte: how many bytes in all, and the narrower bounds of the second. */
struct lead {
	unsigned char first, last;
	unsigned char len;
	unsigned char second_min, second_max;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, /* below: overlong */
	{ 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f }, /* above: surrogates */
	{ 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf }, /* below: overlong */
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f }, /* above: beyond U+10FFFF */
};

/* The bytes of the character at p and its code point; 0 when it is ill-formed. NUL is a character.
 */
static size_t decode(const unsigned char *p, size_t len, uint32_t *code_point)
{
	if (p[0] < 0x80) {
		*code_point = p[0];
		return 1;
	}
	const struct lead *lead = NULL;
	for (size_t i = 0; i < COUNT(leads) && !lead; i++)
		if (p[0] >= leads[i].first && p[0] <= leads[i].last)
			lead = &leads[i];
	if (!lead || len < lead->len || p[1] < lead->second_min || p[1] > lead->second_max)
		return 0;
	uint32_t value = p[0] & (0x7fu >> lead->len);
	for (size_t i = 1; i < lead->len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	*code_point = value;
	return lead->len;
}

/* Eight ASCII characters without a NUL. */
static bool is_plain_word(const unsigned char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return ((word | (word - ones)) & tops) == 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool str_starts(struct str text, struct str prefix)
{
	return text.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

struct str str_trim(struct str text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool text_next_word(struct str *list, struct str *word)
{
	*list = str_trim(*list);
	*word = (struct str){ list->ptr, 0 };
	while (word->len < list->len && list->ptr[word->len] != ' ' && list->ptr[word->len] != '\t')
		word->len++;
	if (word->len == 0)
		return false;
	list->ptr += word->len;
	list->len -= word->len;
	return true;
}

bool text_word(struct str *rest, struct str *word)
{
	while (rest->len > 0 && *rest->ptr == ' ') {
		rest->ptr++;
		rest->len--;
	}
	if (rest->len == 0)
		return false;
	const char *space = memchr(rest->ptr, ' ', rest->len);
	size_t len = space ? (size_t)(space - rest->ptr) : rest->len;
	*word = (struct str){ rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return true;
}

bool text_is_utf8(struct str text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	size_t left = text.len;
	while (left > 0) {
		if (left >= 8 && is_plain_word(p)) {
			p += 8;
			left -= 8;
			continue;
		}
		uint32_t code_point;
		size_t len = decode(p, left, &code_point);
		if (len == 0 || code_point == 0)
			return false;
		p += len;
		left -= len;
	}
	return true;
}

size_t text_code_point(struct str text, uint32_t *code_point)
{
	return decode((const unsigned char *)text.ptr, text.len, code_point);
}

bool text_in_ranges(const struct text_range *ranges, size_t count, uint32_t code_point)
{
	for (size_t i = 0; i < count && ranges[i].first <= code_point; i++)
		if (code_point <= ranges[i].last)
			return true;
	return false;
}

size_t text_code_points(struct str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

bool text_is_blank(struct str text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	for (size_t at = 0; at < text.len;) {
		uint32_t code_point;
		size_t len = decode(p + at, text.len - at, &code_point);
		if (len == 0 || !text_in_ranges(blanks, COUNT(blanks), code_point))
			return false;
		at += len;
	}
	return true;
}

bool text_has_control(struct str text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;
	for (size_t at = 0; at < text.len;) {
		uint32_t code_point;
		size_t len = decode(p + at, text.len - at, &code_point);
		/* what cannot be read cannot be trusted either */
		if (len == 0 || text_in_ranges(controls, COUNT(controls), code_point))
			return true;
		at += len;
	}
	return false;
}

bool text_parse_int(struct str text, long long min, long long max, long long *value)
{
	size_t at = text.len > 0 && text.ptr[0] == '-';
	bool negative = at == 1;
	if (at == text.len || (text.ptr[at] == '0' && (negative || text.len > 1)))
		return false;
	long long number = 0;
	for (; at < text.len; at++) {
		int digit = text.ptr[at] - '0';
		if (digit < 0 || digit > 9)
			return false;
		/* counted downwards, since the least has no positive twin */
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_sub_overflow(number, digit, &number))
			return false;
	}
	if (!negative && number == LLONG_MIN)
		return false;
	number = negative ? number : -number;
	if (number < min || number > max)
		return false;
	*value = number;
	return true;
}

/* The six bits of a base64 digit, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool text_is_base64(struct str text, size_t *decoded_bytes)
{
	if (text.len % 4 != 0)
		return false;
	size_t digits = text.len;
	while (digits > 0 && text.len - digits < 2 && text.ptr[digits - 1] == '=')
		digits--;
	int bits = 0;
	for (size_t i = 0; i < digits; i++) {
		bits = base64_value(text.ptr[i]);
		if (bits < 0)
			return false;
	}
	/* what the last digit holds beyond the last byte has to be zero: one spelling only */
	size_t padding = text.len - digits;
	if (bits & ((1 << 2 * padding) - 1))
		return false;
	*decoded_bytes = text.len / 4 * 3 - padding;
	return true;
}

bool text_is_base64url(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* libsodium refuses padding and trailing bits that are not zero. */
bool text_from_base64url(struct str text, void *out, size_t size, size_t *len)
{
	return text.len > 0 && text_is_base64url(text) &&
	       sodium_base642bin(out, size, text.ptr, text.len, NULL, len, NULL,
		       sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

bool text_equal_secret(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}
