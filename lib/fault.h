/*
 * What is wrong with a request, field by field: collected while reading it, told in one answer as
 * the "errors" of its problem document. All strings are literals or live on the request's arena.
 */
#ifndef LIB_FAULT_H
#define LIB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct fault {
	const char *field;  /* "body", "member_ids[3]", a query parameter's name */
	const char *code;   /* "required", "too_long", "bad_type" …: never changes */
	const char *detail; /* for people */
};

enum {
	FAULTS_MAX = 16
};

struct faults {
	struct fault items[FAULTS_MAX];
	size_t count; /* more than FAULTS_MAX are dropped */
};

/* Notes one; what is passed is borrowed for the life of the request. */
static inline void fault_add(
	struct faults *faults, const char *field, const char *code, const char *detail)
{
	if (faults->count < FAULTS_MAX)
		faults->items[faults->count++] = (struct fault){ field, code, detail };
}

#endif
