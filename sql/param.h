/*
 * Parameters of a statement: made by the stores, sent in binary by db.c and pipeline.c. They are
 * never part of the SQL.
 */
#ifndef SQL_PARAM_H
#define SQL_PARAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/id.h"
#include "lib/text.h"
#include "query.h"

enum {
	PARAMS_MAX = 16
};

/* A parameter. Make them with the functions below. */
struct param {
	const char *value; /* NULL: SQL null, unless size is of the inline bytes */
	int size;
	bool is_inline;
	char bytes[16]; /* a number, id or time in network order */
};

struct param P_INT64(int64_t number);
struct param P_BOOL(bool truth);
struct param P_UUID(const struct uuid *id);	      /* copied; nil or NULL: null */
struct param P_TEXT(struct str text);		      /* borrowed; ptr NULL: null */
struct param P_BYTES(const void *bytes, size_t size); /* borrowed */
struct param P_TIME(int64_t time_us);		      /* TIME_NONE: null */
struct param P_NULL(void);

/* "{id,id}" for P_TEXT, where the statement casts it from text to uuid[]; on the arena. */
struct str uuid_array(struct arena *arena, const struct uuid *ids, size_t count);

/* As libpq takes them; points into the parameters, which must live as long. */
struct encoded {
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX];
	int formats[PARAMS_MAX];
};

/* Another number of them than the statement has is a mistake of ours, and ends the process. */
void params_encode(enum query query, int nparams, const struct param *params, struct encoded *out);

#endif
