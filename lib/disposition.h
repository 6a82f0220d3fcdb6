/* Content-Disposition of an answer (RFC 6266): whether a file is shown or saved, and under which name. */
#ifndef LIB_DISPOSITION_H
#define LIB_DISPOSITION_H

#include "lib/buf.h"
#include "lib/text.h"

/*
 * Appends the header's value: inline or attachment, and the name twice: as ASCII, with _ for what is none or means something in a
 * header, and as it is (RFC 8187). name: well-formed UTF-8 without path.
 */
void disposition_write(struct buf *out, struct str media_type, struct str name);

#endif
