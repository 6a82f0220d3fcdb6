/*
 * Ids: UUIDs of RFC 9562, one spelling in (8-4-4-4-12, either case), one out (lower case).
 */
#ifndef LIB_ID_H
#define LIB_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/err.h"
#include "lib/text.h"

struct uuid {
	uint8_t bytes[16];
};

enum {
	UUID_TEXT_LEN = 36
};

/* Canonical text to id. ERR_INVALID_INPUT for any other spelling; *out is then untouched. */
must_check enum err uuid_parse(struct str text, struct uuid *out);

/* Writes 36 lower-case characters and a NUL. */
void uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1]);

/* A new UUIDv7: milliseconds of the wall clock, then a counter so that the ids of one process
 * rise, then random bits. */
void uuid_new(struct uuid *out);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* All bits zero: "none". */
bool uuid_is_nil(const struct uuid *id);

#endif
