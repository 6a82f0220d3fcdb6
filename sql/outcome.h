/*
 * What functions of the database say they have come to, as a word, and what that is to a client: each store has a table of its own
 * functions' outcomes, and finds them here.
 */
#ifndef SQL_OUTCOME_H
#define SQL_OUTCOME_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/text.h"
#include "sql/rows.h"

struct outcome {
	const char *name;
	enum err err;
	const char *why; /* for people, instead of the usual one; NULL: that */
};

/* The error of a name; *why is set where the table has one. ERR_INTERNAL, logged: it is not in the table. */
must_check enum err outcome_find(
	const struct outcome *outcomes, size_t count, struct str name, const char **why);

/* The same of the column "outcome" of the only row. */
must_check enum err outcome_read(
	const struct outcome *outcomes, size_t count, const struct rows *rows, const char **why);

/* Both take a table by its name. */
#define OUTCOME_FIND(table, name, why)                                                             \
	outcome_find((table), sizeof(table) / sizeof((table)[0]), (name), (why))
#define OUTCOME_READ(table, rows, why)                                                             \
	outcome_read((table), sizeof(table) / sizeof((table)[0]), (rows), (why))

#endif
