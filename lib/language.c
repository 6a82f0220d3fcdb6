/* Choosing a language (language.h). Called by rest/error.c. */
#include "lib/language.h"

#include <stdbool.h>
#include <string.h>

enum {
	WEIGHT_MAX = 1000 /* q=1 */
};

const char *const language_tags[LANGUAGE__MAX] = {
	[LANGUAGE_ENGLISH] = "en",
	[LANGUAGE_GERMAN] = "de",
	[LANGUAGE_FRENCH] = "fr",
	[LANGUAGE_SPANISH] = "es",
};

/* What stands before the first of a separator; text keeps what is behind it. */
static struct str part_take(struct str *text, char separator)
{
	const char *end = text->len > 0 ? memchr(text->ptr, separator, text->len) : NULL;
	struct str part = { text->ptr, end ? (size_t)(end - text->ptr) : text->len };

	text->ptr += part.len + (end ? 1 : 0);
	text->len -= part.len + (end ? 1 : 0);
	return str_trim(part);
}

/* "q=0.5" in thousandths: 0 or 1, with up to three decimals. False when it is no weight. */
static bool weight_parse(struct str text, int *weight)
{
	int value = 0, unit = WEIGHT_MAX;

	if (text.len < 3 || text.len > 7 || (text.ptr[0] | 0x20) != 'q' || text.ptr[1] != '=' ||
		(text.len > 3 && text.ptr[3] != '.'))
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (i == 3)
			continue;
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value += (text.ptr[i] - '0') * unit;
		unit /= 10;
	}
	*weight = value;
	return value <= WEIGHT_MAX;
}

/* The language of a range like de-CH; false when we have none such. */
static bool language_of(struct str range, enum language *out)
{
	struct str primary = part_take(&range, '-');

	for (int i = 0; i < LANGUAGE__MAX; i++) {
		if (str_equal_nocase(primary, str_of(language_tags[i]))) {
			*out = (enum language)i;
			return true;
		}
	}
	return false;
}

enum language language_choose(struct str accept)
{
	enum language best = LANGUAGE_ENGLISH, one;
	bool named[LANGUAGE__MAX] = { false };
	int most = 0, rest = 0;

	while (accept.len > 0) {
		struct str weighted = part_take(&accept, ','), range = part_take(&weighted, ';');
		int weight = WEIGHT_MAX;

		if (weighted.len > 0 && !weight_parse(str_trim(weighted), &weight))
			continue;
		if (str_equal(range, STR("*")))
			rest = weight;
		if (!language_of(range, &one))
			continue;
		named[one] = true;
		if (weight > most) {
			most = weight;
			best = one;
		}
	}
	for (int i = 0; i < LANGUAGE__MAX; i++) {
		if (!named[i] && rest > most) {
			most = rest;
			best = (enum language)i;
		}
	}
	return best;
}
