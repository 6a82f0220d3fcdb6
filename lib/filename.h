/* Names of files as clients send them: parameters of Content-Disposition, and what is left of a name when all is taken out that could
 * lead somewhere or deceive. */
#ifndef LIB_FILENAME_H
#define LIB_FILENAME_H

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/text.h"

enum {
	FILENAME_MAX_BYTES = 255
};

/*
 * The value of a parameter of a header such as Content-Disposition or Content-Type, of which the rest stands before its first
 * semicolon. Quotes are taken off, \" and \\ mean themselves; on the arena. ERR_NOT_FOUND: there is none; ERR_MALFORMED: the
 * header is not well-formed, or has it twice.
 */
must_check enum err header_parameter(
	struct arena *arena, struct str header, const char *name, struct str *out);

/*
 * The name of a file in a Content-Disposition (RFC 6266): filename* (RFC 8187, UTF-8) before filename. form: of a part of
 * multipart/form-data, where browsers write %22, %0D and %0A for what they cannot write otherwise. It is cleaned: without what
 * stands before the last slash or backslash, without control characters and those that change the direction of text, blanks
 * around it, and not longer than FILENAME_MAX_BYTES, of which the ending stays. ERR_NOT_FOUND: it has none, or nothing is left;
 * ERR_MALFORMED; ERR_INVALID_INPUT: the name is no UTF-8.
 */
must_check enum err filename_of(
	struct arena *arena, struct str disposition, bool form, struct str *out);

#endif
