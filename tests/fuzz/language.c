/* Any bytes as Accept-Language: a language that there is, and English for what names none. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/language.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str accept = { (const char *)data, size };
	enum language language = language_choose(accept);
	bool names = false;

	if ((unsigned)language >= LANGUAGE__MAX)
		abort();
	/* another than English is named, or stands behind a star */
	for (size_t i = 0; i < size; i++)
		names |= data[i] == '*' || (data[i] | 0x20) == language_tags[language][0];
	if (language != LANGUAGE_ENGLISH && !names)
		abort();
	return 0;
}
