/*
 * Who is typing, and who has been told so. Nothing of it is in the database: a restart forgets it, and what was told
 * expires by itself. Called by push/command/typing.c with what people do, by event.c with what ends it, and by main.c
 * for the time.
 *
 * A start is told at most once in 2 s per person and conversation; 3 s after the last one the others are told that
 * it stopped, unless the person's message or word said so before.
 */
#ifndef PUSH_TYPING_H
#define PUSH_TYPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/id.h"
#include "lib/model/event.h"
#include "push/fanout.h"
#include "push/metrics.h"
#include "push/mqtt.h"

struct typing;

/* Everything is borrowed. Owned by the caller. */
struct typing *typing_new(const struct mqtt *mqtt, struct fanout *fanout, struct metrics *metrics);
void typing_free(struct typing *typing);

/* Somebody types. True: find out who is to be told, and call typing_tell or typing_forget. False: it was told less than
 * 2 s ago (then it only lasts longer), or too many are typing. */
bool typing_begin(struct typing *typing, const struct uuid *conversation, const struct uuid *user,
	int64_t now_us);

/* After typing_begin: tells the recipients, unless it has stopped meanwhile. False: the members have changed since
 * typing_begin, so they have to be found out again. */
bool typing_tell(struct typing *typing, const struct uuid *conversation, const struct uuid *user,
	const struct uuid *recipients, size_t count, int64_t now_us);

/* After typing_begin: it could not be found out, or is nobody's business. Who was told of an earlier start is told that
 * it stopped. */
void typing_forget(struct typing *typing, const struct uuid *conversation, const struct uuid *user);

/* Says that somebody has stopped, to those who were told that it began. */
void typing_stop(struct typing *typing, const struct uuid *conversation, const struct uuid *user);

/* What an event ends: the sender's typing; all that concerns somebody who is no member any more. To be called before the
 * event is published. */
void typing_event(struct typing *typing, const struct event *event);

/* When to come back at the latest: lowers *wake_us. */
void typing_poll(const struct typing *typing, int64_t *wake_us);

/* Ends what has lasted for too long. */
void typing_run(struct typing *typing, int64_t now_us);

#endif
