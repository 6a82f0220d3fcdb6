/* Any bytes as an emoji: what is taken has one spelling, which is well-formed, no longer than it may be, and has no blank in it. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/emoji.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[EMOJI_MAX_BYTES + 1], twice[EMOJI_MAX_BYTES + 1];
	if (emoji_read((struct str){ (const char *)data, size }, once) != OK)
		return 0;
	struct str text = str_of(once);
	if (text.len == 0 || text.len > EMOJI_MAX_BYTES || !text_is_utf8(text))
		abort();
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '"' || text.ptr[i] == '\\')
			abort();
	}
	if (emoji_read(text, twice) != OK || !str_equal(str_of(twice), text))
		abort();
	return 0;
}
