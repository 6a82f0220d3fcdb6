/*
 * parley doctor: what each of its groups of checks works with. A group is one function in a process of its own, so that one
 * that hangs holds up no other and is ended at the deadline; what it finds are rows. doctor.c runs them, doctor_host.c,
 * doctor_database.c, doctor_network.c and doctor_store.c are the checks. They look, and change nothing.
 */
#ifndef OPS_PARLEY_DOCTOR_H
#define OPS_PARLEY_DOCTOR_H

#include <stdint.h>

#include "ops/parley/operator.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN, /* it works; something should be done all the same */
	DOCTOR_FAIL,
	DOCTOR__MAX
};

struct doctor {
	struct operation *op;
	int out;	     /* where rows go */
	int64_t deadline_us; /* of time_mono_us, for whatever a check waits for */
};

/* A row: what was looked at, what was found, and, unless that is in order, what to do about it (else NULL). */
void doctor_row(struct doctor *doctor, enum doctor_state state, const char *check,
	const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Why the last thing failed that a library of ours has logged; "" when nothing has. */
const char *doctor_reason(void);

/* Path of one of our programs, beside this one. On the arena. */
const char *doctor_sibling(struct doctor *doctor, const char *name);

/* The groups. */
void doctor_settings(struct doctor *doctor);
void doctor_keys(struct doctor *doctor);
void doctor_host(struct doctor *doctor);
void doctor_database(struct doctor *doctor);
void doctor_schema(struct doctor *doctor);
void doctor_push(struct doctor *doctor);
void doctor_rest(struct doctor *doctor);
void doctor_broker(struct doctor *doctor);
void doctor_front(struct doctor *doctor);
void doctor_store(struct doctor *doctor);

#endif
