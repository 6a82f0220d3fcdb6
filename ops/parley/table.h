/*
 * How `parley` answers with rows: columns below each other for people, {"data":[{…},…]} with --json. A record is one row:
 * lines of "name  value", or one object. Cells are added from left to right, row by row; all strings are borrowed.
 */
#ifndef OPS_PARLEY_TABLE_H
#define OPS_PARLEY_TABLE_H

#include "ops/parley/operator.h"

struct table;

/* names: of the columns, as JSON has them; people read them in capitals. On the arena of op. */
struct table *table_new(struct operation *op, const char *const *names, size_t ncolumns);

void table_text(struct table *table, struct str text); /* ptr NULL: none */
void table_string(struct table *table, const char *string);
void table_int(struct table *table, int64_t number);
void table_bool(struct table *table, bool truth);
void table_uuid(struct table *table, const struct uuid *id); /* nil: none */
void table_time(struct table *table, int64_t time_us);	     /* TIME_NONE: none */
/* A list of words: an array in JSON, with spaces between for people. */
void table_words(struct table *table, struct str words);

/* Writes it to standard output; EXIT_FAILED, with a word about it, when that takes it no more. */
int table_print(const struct table *table);
int table_print_record(const struct table *table);

#endif
