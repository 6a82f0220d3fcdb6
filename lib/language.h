/* The languages that people are answered in, and which of them somebody likes best. */
#ifndef LIB_LANGUAGE_H
#define LIB_LANGUAGE_H

#include "lib/text.h"

enum language {
	LANGUAGE_ENGLISH, /* where nothing else fits */
	LANGUAGE_GERMAN,
	LANGUAGE_FRENCH,
	LANGUAGE_SPANISH,
	LANGUAGE__MAX
};

/* "en", "de" … */
extern const char *const language_tags[LANGUAGE__MAX];

/*
 * The best by a header Accept-Language (RFC 9110 section 12.5.4): the highest weight, of equal ones the first. A range takes
 * the languages that it begins with (de-CH: German); * takes those that are not named. What cannot be read is passed over.
 */
enum language language_choose(struct str accept);

#endif
