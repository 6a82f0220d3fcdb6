/* For the tests of what is read from requests: a document in, the faults out as one line. */
#ifndef TESTS_UNIT_FAULTS_H
#define TESTS_UNIT_FAULTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "lib/json_read.h"

/* "handle:too_short email:bad_format"; each has to have a detail. */
static inline const char *faults_line(const struct faults *faults)
{
	static char line[2048];
	size_t len = 0;
	line[0] = '\0';
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->items[i];
		assert_non_null(fault->detail);
		assert_true(fault->detail[0] != '\0');
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s:%s", i ? " " : "",
			fault->field, fault->code);
		assert_true(len < sizeof(line));
	}
	return line;
}

static inline const struct json *document_parse(struct arena *arena, struct str text)
{
	const struct json *document = NULL;
	char why[JSON_WHY_BYTES];
	if (json_parse(arena, text, JSON_DEPTH_MAX, why, &document) != OK)
		fail_msg("%.*s: %s", (int)text.len, text.ptr, why);
	return document;
}

#endif
