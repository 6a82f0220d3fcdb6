/*
 * Tells everybody who is connected to sync, spread over resync_window_ms. The plugin knows who that is and is told once;
 * of any other broker it is not known, so users with a session that is alive are read page by page, each page when it is
 * due within the window. Called by slot_make.c, which waits for the end, and main.c.
 */
#ifndef PUSH_RESYNC_H
#define PUSH_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conf.h"
#include "push/event.h"
#include "push/fanout.h"
#include "push/metrics.h"
#include "sql/pipeline.h"

struct resync;

/* Everything is borrowed. Owned by the caller. */
struct resync *resync_new(const struct conf *conf, struct events *events,
	const struct fanout *fanout, struct pipeline *pipeline, struct metrics *metrics);

/* After pipeline_free. NULL is legal. */
void resync_free(struct resync *resync);

/* Tells everybody as soon as the broker is there and has room; from the first on, if it was under way. */
void resync_begin(struct resync *resync);

/* Has everybody been told, and has the broker acknowledged it? */
bool resync_told(const struct resync *resync);

/* When to come back at the latest: lowers *wake_us. */
void resync_poll(const struct resync *resync, int64_t *wake_us);

void resync_run(struct resync *resync, int64_t now_us);

#endif
