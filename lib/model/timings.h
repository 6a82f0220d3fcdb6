/* How long things take and hold: what clients are told in GET /config and again in each GET /sync. */
#ifndef LIB_MODEL_TIMINGS_H
#define LIB_MODEL_TIMINGS_H

#include "lib/buf.h"

/* The object behind "timings". */
void timings_write(struct buf *buf);

#endif
