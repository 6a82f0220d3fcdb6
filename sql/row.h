/*
 * Cells of a result, by column name. Results come in binary; a store finds its columns once a
 * result and reads them by their place in its own list of names.
 */
#ifndef SQL_ROW_H
#define SQL_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/id.h"
#include "lib/text.h"
#include "lib/time.h"

struct rows;

enum {
	ROW_COLUMNS_MAX = 48
};

/* Where the names of a list stand in one result. */
struct columns {
	const struct rows *rows;
	int at[ROW_COLUMNS_MAX];
};

size_t rows_count(const struct rows *rows);

/* Finds count names, each with prefix before it, in rows; a name that is not there ends the
 * process: statement and store disagree, which check-sql and every test would show. */
void columns_find(const struct rows *rows, const char *prefix, const char *const *names, int count,
	struct columns *out);

/* Cell of a row at names[column]. Borrowed for the life of the result. */
bool row_is_null(const struct columns *columns, size_t row, int column);
int64_t row_int64(const struct columns *columns, size_t row, int column);    /* null: 0 */
bool row_bool(const struct columns *columns, size_t row, int column);	     /* null: false */
struct str row_text(const struct columns *columns, size_t row, int column);  /* null: ptr NULL */
struct uuid row_uuid(const struct columns *columns, size_t row, int column); /* null: nil */
int64_t row_time(const struct columns *columns, size_t row, int column);     /* null: TIME_NONE */

#endif
