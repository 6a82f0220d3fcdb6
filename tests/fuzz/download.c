/* Any bytes as Range, If-Match and the name of a file: bytes that there are, and one line of ASCII with balanced quotes. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/disposition.h"
#include "lib/etag.h"
#include "lib/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void range_try(struct str header, uint64_t size)
{
	struct range range;

	if (range_read(header, size, &range) == RANGE_PART &&
		(range.bytes == 0 || range.first >= size || range.bytes > size - range.first))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf out = { 0 };
	size_t quotes = 0;

	range_try(text, 0);
	range_try(text, 1000);
	range_try(text, INT64_MAX);
	/* whom a strong comparison finds, a weak one does */
	if (etag_listed(text, STR("\"a\""), false) && !etag_listed(text, STR("\"a\""), true))
		abort();
	disposition_write(&out, STR("text/html"), text);
	for (size_t i = 0; i < out.len; i++) {
		quotes += out.data[i] == '"';
		if (out.data[i] < ' ' || out.data[i] > '~')
			abort();
	}
	if (quotes != 2)
		abort();
	buf_free(&out);
	return 0;
}
