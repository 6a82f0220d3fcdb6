/* What a problem says to people, in their language. What programs read (code, field) is never translated. */
#ifndef LIB_MODEL_TRANSLATION_H
#define LIB_MODEL_TRANSLATION_H

#include "lib/language.h"

/* The text in a language; what has no row in the table, like one with a name in it, stays English. A literal, or english itself. */
const char *translate(const char *english, enum language language);

#endif
