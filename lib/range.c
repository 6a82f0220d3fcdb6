/*
 * Range (range.h). A server may pass over a Range, so what is unusual is: several ranges, and numbers of more digits than any
 * file has. What is taken is spelt in the one way that every web server reads alike. Called by rest/handler/download.c.
 */
#include "lib/range.h"

#include <stdbool.h>

enum {
	DIGITS_MAX = 18 /* fit into 63 bits */
};

/* Digits up to the end; false when there is anything else. */
static bool number_read(struct str text, uint64_t *out)
{
	uint64_t number = 0;

	if (text.len == 0 || text.len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out = number;
	return true;
}

/* "-500": the last 500 bytes. */
static enum range_kind suffix_read(struct str digits, uint64_t size, struct range *out)
{
	uint64_t bytes;

	if (!number_read(digits, &bytes))
		return RANGE_WHOLE;
	if (bytes == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	if (bytes > size)
		bytes = size;
	*out = (struct range){ size - bytes, bytes };
	return RANGE_PART;
}

enum range_kind range_read(struct str header, uint64_t size, struct range *out)
{
	static const struct str unit = { "bytes=", 6 };
	uint64_t first, last = UINT64_MAX;
	struct str left, right;
	const char *dash;

	*out = (struct range){ 0, size };
	if (header.len <= unit.len || !str_equal_nocase((struct str){ header.ptr, unit.len }, unit))
		return RANGE_WHOLE;
	header = (struct str){ header.ptr + unit.len, header.len - unit.len };
	dash = memchr(header.ptr, '-', header.len);
	if (!dash)
		return RANGE_WHOLE;
	left = (struct str){ header.ptr, (size_t)(dash - header.ptr) };
	right = (struct str){ dash + 1, header.len - left.len - 1 };
	if (left.len == 0)
		return suffix_read(right, size, out);
	if (!number_read(left, &first) || (right.len > 0 && !number_read(right, &last)) ||
		last < first)
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	if (last >= size)
		last = size - 1;
	*out = (struct range){ first, last - first + 1 };
	return RANGE_PART;
}
