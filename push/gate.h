/*
 * Lets people into the broker. The plugin remembers in memory alone what it has been told, such as whose session has ended,
 * so after its start it lets nobody in until it has been told all of that; and a daemon that begins to stream, perhaps behind
 * a slot that was lost, tells it again. A table of steps in gate.c says what there is. What changes afterwards comes by the
 * WAL (event.c). Called by main.c.
 */
#ifndef PUSH_GATE_H
#define PUSH_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/conf.h"
#include "push/event.h"
#include "push/fanout.h"
#include "sql/pipeline.h"

struct gate;

/* Everything is borrowed. Owned by the caller. */
struct gate *gate_new(const struct conf *conf, struct events *events, struct fanout *fanout,
	struct pipeline *pipeline);

/* After pipeline_free. */
void gate_free(struct gate *gate);

/* Has all been told, of the broker and stream as they are now? True without the plugin, which has no gate. */
bool gate_is_open(const struct gate *gate);

/* When to come back at the latest: lowers *wake_us. */
void gate_poll(const struct gate *gate, int64_t *wake_us);

/* epoch: another number whenever the broker was connected to or the stream began; 0: one of them is away. */
void gate_run(struct gate *gate, uint64_t epoch, int64_t now_us);

#endif
