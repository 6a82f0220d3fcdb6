/*
 * What parley-media may do once it looks at bytes of strangers: read the file that it was given, write to what it was given,
 * take memory and time up to a limit. No file can be opened, no socket made, no program started, no other process signalled, no
 * memory made executable.
 */
#ifndef REST_MEDIA_SANDBOX_H
#define REST_MEDIA_SANDBOX_H

#include "lib/err.h"

/* Of this process, for good; everything that needs files has been loaded. ERR_INTERNAL, logged. */
must_check enum err sandbox_enter(void);

#endif
