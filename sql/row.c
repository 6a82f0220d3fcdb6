/* Cells of a result (row.h): PostgreSQL's binary formats to ours. Called by the stores. */
#include "sql/row.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "sql/rows.h"

/* PostgreSQL counts from 2000-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

size_t rows_count(const struct rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

void columns_find(const struct rows *rows, const char *prefix, const char *const *names, int count,
	struct columns *out)
{
	char name[64];

	out->rows = rows;
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, names[i]);
		out->at[i] = PQfnumber(rows->result, name);
		if (out->at[i] < 0)
			fatal("a statement lacks a column", LOG_STR("statement", rows->statement),
				LOG_STR("column", name));
	}
}

bool row_is_null(const struct columns *columns, size_t row, int column)
{
	return PQgetisnull(columns->rows->result, (int)row, columns->at[column]);
}

int64_t row_int64(const struct columns *columns, size_t row, int column)
{
	const PGresult *result = columns->rows->result;
	const char *cell = PQgetvalue(result, (int)row, columns->at[column]);
	uint64_t wide;
	uint32_t narrow;

	switch (PQgetlength(result, (int)row, columns->at[column])) {
	case 8:
		memcpy(&wide, cell, sizeof(wide));
		return (int64_t)be64toh(wide);
	case 4:
		memcpy(&narrow, cell, sizeof(narrow));
		return (int32_t)be32toh(narrow);
	default:
		return 0;
	}
}

bool row_bool(const struct columns *columns, size_t row, int column)
{
	const PGresult *result = columns->rows->result;

	return PQgetlength(result, (int)row, columns->at[column]) == 1 &&
	       *PQgetvalue(result, (int)row, columns->at[column]) != 0;
}

struct str row_text(const struct columns *columns, size_t row, int column)
{
	const PGresult *result = columns->rows->result;

	if (PQgetisnull(result, (int)row, columns->at[column]))
		return (struct str){ NULL, 0 };
	return (struct str){ PQgetvalue(result, (int)row, columns->at[column]),
		(size_t)PQgetlength(result, (int)row, columns->at[column]) };
}

struct uuid row_uuid(const struct columns *columns, size_t row, int column)
{
	const PGresult *result = columns->rows->result;
	struct uuid id = { { 0 } };

	if (PQgetlength(result, (int)row, columns->at[column]) == (int)sizeof(id.bytes))
		memcpy(id.bytes, PQgetvalue(result, (int)row, columns->at[column]),
			sizeof(id.bytes));
	return id;
}

int64_t row_time(const struct columns *columns, size_t row, int column)
{
	if (row_is_null(columns, row, column))
		return TIME_NONE;
	return row_int64(columns, row, column) + PG_EPOCH_US;
}
