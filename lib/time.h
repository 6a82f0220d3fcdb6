/*
 * Points in time: microseconds since 1970-01-01T00:00:00Z without leap seconds; RFC 3339 outside.
 */
#ifndef LIB_TIME_H
#define LIB_TIME_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	TIME_TEXT_LEN = 27
};

/* "No time", as in deleted_at of what is not deleted. */
#define TIME_NONE INT64_MIN

/* The wall clock. */
int64_t time_now_us(void);

/* A clock that never jumps; only differences mean anything. */
int64_t time_mono_us(void);

/* 2026-11-21T12:00:00.123456Z and a NUL. Years 0000 to 9999. */
void time_format(int64_t time_us, char out[TIME_TEXT_LEN + 1]);

/* RFC 3339 with up to six digits of fraction and 'Z' or an offset, years 1970 to 9999.
 * ERR_INVALID_INPUT for anything else, also for a day that does not exist and second 60. */
must_check enum err time_parse(struct str text, int64_t *time_us);

/* As PostgreSQL writes timestamptz under datestyle ISO and time zone UTC, or inside JSON:
 * "2026-11-21 12:00:00.1+00", "2026-11-21T12:00:00.1+00:00". ERR_INTERNAL for anything else. */
must_check enum err time_parse_db(struct str text, int64_t *time_us);

#endif
