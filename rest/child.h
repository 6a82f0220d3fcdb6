/* Another program of ours, started for one thing, which it answers and ends. */
#ifndef REST_CHILD_H
#define REST_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

enum {
	CHILD_ARGS_MAX = 4,
	CHILD_FILES_MAX = 2,
	CHILD_FIRST_FILE = 3
};

/* It is given its standard input, its files as descriptors from CHILD_FIRST_FILE on, our standard error, and nothing else. All are
 * borrowed. */
struct child_call {
	const char *name; /* of the program, which stands beside this one */
	const char *args[CHILD_ARGS_MAX];
	size_t nargs;
	int in;
	int files[CHILD_FILES_MAX];
	size_t nfiles;
	int64_t patience_us;
};

/*
 * Starts it and reads up to size bytes of its standard output, until that is closed or its time is over; it has ended when this returns.
 * *len is what came, 0 also when nothing did: what is an answer is for the caller to say. ERR_UNAVAILABLE, logged: it could not be
 * started, or gave up without an answer, of its own accord.
 */
must_check enum err child_ask(
	const struct child_call *call, char *answer, size_t size, size_t *len);

#endif
