/* The inside of struct rows, for db.c, which makes it, and row.c, which reads it. */
#ifndef SQL_ROWS_H
#define SQL_ROWS_H

#include <libpq-fe.h>

struct rows {
	PGresult *result;
	const char *statement;
};

#endif
