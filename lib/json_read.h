/*
 * JSON in: a strict scan of the bytes first (json_scan.h: RFC 8259 and RFC 3629 to the letter, no
 * duplicate key, no U+0000, no lone surrogate, bounded depth), then json-c makes the tree.
 * json_read.c alone sees json-c.
 */
#ifndef LIB_JSON_READ_H
#define LIB_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fault.h"
#include "lib/id.h"
#include "lib/json_scan.h"
#include "lib/text.h"

/* A value of a parsed document; lives as long as the arena it was parsed on. */
struct json;

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_DOUBLE,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Scan (json_scan.h) and parse. text must outlive the arena's use of *out (json_raw points into
 * it). */
must_check enum err json_parse(struct arena *arena, struct str text, unsigned max_depth,
	char why[JSON_WHY_BYTES], const struct json **out);

enum json_kind json_kind_of(const struct json *value); /* JSON_NULL for NULL */

/* A member of an object; NULL when absent, null, or object is none. */
const struct json *json_get(const struct json *object, const char *key);

/* Is the member there and null? It is what tells "clear it" from "leave it". */
bool json_is_null(const struct json *object, const char *key);

size_t json_length(const struct json *array); /* 0 when it is none */
const struct json *json_at(const struct json *array, size_t i);

/* The string's bytes, borrowed; {NULL, 0} when it is none. */
struct str json_str(const struct json *value);

/* An integer within [min, max]; false when it is no integer (1.0 and 1e3 are none) or outside. The
 * lowest int64 is outside too: in json-c's tree it may stand for anything below. */
bool json_int(const struct json *value, int64_t min, int64_t max, int64_t *out);

/*
 * Typed fields of a request's object. Each reports what is wrong to faults and returns true only
 * when the field is there and good; absent and null are alike, and a fault only with JSON_REQUIRED.
 */
enum json_need {
	JSON_OPTIONAL,
	JSON_REQUIRED
};

/* False, and a fault on the field "", when a request's document is no object. */
bool json_read_top(const struct json *document, struct faults *faults);
/* A list of at most max elements, of any type; borrowed. */
bool json_read_array(const struct json *object, const char *key, enum json_need need, size_t max,
	struct faults *faults, const struct json **out);

bool json_read_bool(const struct json *object, const char *key, enum json_need need,
	struct faults *faults, bool *out);
bool json_read_int(const struct json *object, const char *key, enum json_need need, int64_t min,
	int64_t max, struct faults *faults, int64_t *out);
bool json_read_uuid(const struct json *object, const char *key, enum json_need need,
	struct faults *faults, struct uuid *out);
/* min and max are bytes. */
bool json_read_bytes(const struct json *object, const char *key, enum json_need need, size_t min,
	size_t max, struct faults *faults, struct str *out);
/* min and max are code points; no control characters, not blank when min is above 0. */
bool json_read_name(const struct json *object, const char *key, enum json_need need, size_t min,
	size_t max, struct faults *faults, struct str *out);
/* An absolute URL with scheme http or https, of at most max bytes, all of them ASCII. */
bool json_read_url(const struct json *object, const char *key, enum json_need need, size_t max,
	struct faults *faults, struct str *out);
/* An object of at most max bytes, in the spelling it came in. document: what json_parse was given,
 * of which object is the top-level value. */
bool json_read_object(const struct json *object, struct str document, const char *key,
	enum json_need need, size_t max, struct faults *faults, struct str *out);

/*
 * Appends a canonical form of a scanned JSON text to out: equal for texts that are equal as values
 * (member order, spacing, escapes and the spelling of numbers do not matter), different otherwise.
 * It is made to be hashed, not read.
 */
struct buf;
void json_canonical(struct arena *arena, struct str json, struct buf *out);

#endif
