/* Rows for people and for programs (table.h). Called by the commands. */
#include "ops/parley/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_write.h"
#include "lib/log.h"
#include "lib/time.h"

enum {
	COLUMNS_MAX = 16,
	GAP = 2 /* between two columns */
};

enum cell_kind {
	CELL_NONE,
	CELL_TEXT,
	CELL_INT,
	CELL_BOOL,
	CELL_WORDS
};

struct cell {
	enum cell_kind kind;
	struct str text;
	int64_t number;
};

struct table {
	struct operation *op;
	const char *const *names;
	size_t ncolumns;
	struct cell *cells; /* grows by doubling on the arena */
	size_t ncells, room;
};

struct table *table_new(struct operation *op, const char *const *names, size_t ncolumns)
{
	struct table *table = arena_alloc(op->arena, sizeof(*table));

	if (ncolumns > COLUMNS_MAX)
		fatal("a table has too many columns");
	*table = (struct table){ .op = op, .names = names, .ncolumns = ncolumns };
	return table;
}

static void cell_add(struct table *table, struct cell cell)
{
	if (table->ncells == table->room) {
		size_t room = table->room ? 2 * table->room : 4 * COLUMNS_MAX;
		struct cell *cells = arena_calloc(table->op->arena, room, sizeof(*cells));

		if (table->ncells > 0)
			memcpy(cells, table->cells, table->ncells * sizeof(*cells));
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->ncells++] = cell;
}

void table_text(struct table *table, struct str text)
{
	cell_add(table, (struct cell){ text.ptr ? CELL_TEXT : CELL_NONE, text, 0 });
}

void table_string(struct table *table, const char *string)
{
	table_text(table, str_of(string));
}

void table_int(struct table *table, int64_t number)
{
	cell_add(table, (struct cell){ CELL_INT, { NULL, 0 }, number });
}

void table_bool(struct table *table, bool truth)
{
	cell_add(table, (struct cell){ CELL_BOOL, { NULL, 0 }, truth });
}

void table_uuid(struct table *table, const struct uuid *id)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(id, text);
	table_string(table,
		uuid_is_nil(id) ? NULL : arena_strndup(table->op->arena, text, UUID_TEXT_LEN));
}

void table_time(struct table *table, int64_t time_us)
{
	char text[TIME_TEXT_LEN + 1];

	if (time_us == TIME_NONE) {
		table_string(table, NULL);
		return;
	}
	time_format(time_us, text);
	table_string(table, arena_strndup(table->op->arena, text, TIME_TEXT_LEN));
}

void table_words(struct table *table, struct str words)
{
	cell_add(table, (struct cell){ words.ptr ? CELL_WORDS : CELL_NONE, words, 0 });
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void words_write(struct buf *out, struct str words)
{
	json_write_array(out);
	while (words.len > 0) {
		const char *space = memchr(words.ptr, ' ', words.len);
		size_t len = space ? (size_t)(space - words.ptr) : words.len;

		if (len > 0)
			json_write_str(out, (struct str){ words.ptr, len });
		words.ptr += space ? len + 1 : len;
		words.len -= space ? len + 1 : len;
	}
	json_write_array_end(out);
}

static void cell_write(struct buf *out, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NONE:
		json_write_null(out);
		return;
	case CELL_TEXT:
		json_write_str(out, cell->text);
		return;
	case CELL_INT:
		json_write_int(out, cell->number);
		return;
	case CELL_BOOL:
		json_write_bool(out, cell->number != 0);
		return;
	case CELL_WORDS:
		words_write(out, cell->text);
		return;
	}
}

static void row_write(struct buf *out, const struct table *table, size_t row)
{
	json_write_object(out);
	for (size_t i = 0; i < table->ncolumns; i++) {
		json_write_key(out, table->names[i]);
		cell_write(out, &table->cells[row * table->ncolumns + i]);
	}
	json_write_object_end(out);
}

/* ---- for people -------------------------------------------------------------------------------
 */

/* What people read in a cell. A terminal obeys control characters, so they are not shown as they are. */
static struct str cell_show(const struct table *table, const struct cell *cell)
{
	char *shown;

	switch (cell->kind) {
	case CELL_NONE:
		return STR("-");
	case CELL_INT:
		return str_of(arena_printf(table->op->arena, "%lld", (long long)cell->number));
	case CELL_BOOL:
		return cell->number != 0 ? STR("yes") : STR("no");
	case CELL_TEXT:
	case CELL_WORDS:
		break;
	}
	if (cell->text.len == 0)
		return STR("");
	shown = arena_strndup(table->op->arena, cell->text.ptr, cell->text.len);
	for (size_t i = 0; i < cell->text.len; i++) {
		if ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f)
			shown[i] = '?';
	}
	return (struct str){ shown, cell->text.len };
}

static void pad(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_add_char(out, ' ');
}

static const char *heading(const struct table *table, const char *name)
{
	char *text = arena_strndup(table->op->arena, name, strlen(name));

	for (char *c = text; *c; c++)
		*c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	return text;
}

static void columns_print(struct buf *out, const struct table *table)
{
	size_t nrows = table->ncells / table->ncolumns, width[COLUMNS_MAX];

	for (size_t i = 0; i < table->ncolumns; i++) {
		width[i] = strlen(table->names[i]);
		for (size_t row = 0; row < nrows; row++) {
			struct str shown =
				cell_show(table, &table->cells[row * table->ncolumns + i]);
			size_t len = text_code_points(shown);

			width[i] = len > width[i] ? len : width[i];
		}
	}
	/* row 0 is the heading */
	for (size_t row = 0; row <= nrows; row++) {
		for (size_t i = 0; i < table->ncolumns; i++) {
			struct str shown =
				row == 0 ? str_of(heading(table, table->names[i]))
					 : cell_show(table,
						   &table->cells[(row - 1) * table->ncolumns + i]);

			buf_add(out, shown.ptr, shown.len);
			if (i + 1 < table->ncolumns)
				pad(out, width[i] - text_code_points(shown) + GAP);
		}
		buf_add_char(out, '\n');
	}
}

static void record_print(struct buf *out, const struct table *table)
{
	size_t width = 0;

	for (size_t i = 0; i < table->ncolumns; i++) {
		size_t len = strlen(table->names[i]);

		width = len > width ? len : width;
	}
	for (size_t i = 0; i < table->ncolumns; i++) {
		struct str shown = cell_show(table, &table->cells[i]);

		buf_add_string(out, table->names[i]);
		pad(out, width - strlen(table->names[i]) + GAP);
		buf_add(out, shown.ptr, shown.len);
		buf_add_char(out, '\n');
	}
}

/* Writes and empties it. */
static int print(struct buf *out)
{
	bool ok = fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0;

	buf_free(out);
	return ok ? EXIT_DONE : operator_fail("the answer could not be written");
}

int table_print(const struct table *table)
{
	struct buf out = { 0 };

	if (!table->op->options->json) {
		columns_print(&out, table);
		return print(&out);
	}
	json_write_object(&out);
	json_write_key(&out, "data");
	json_write_array(&out);
	for (size_t row = 0; row < table->ncells / table->ncolumns; row++)
		row_write(&out, table, row);
	json_write_array_end(&out);
	json_write_object_end(&out);
	buf_add_char(&out, '\n');
	return print(&out);
}

int table_print_record(const struct table *table)
{
	struct buf out = { 0 };

	if (!table->op->options->json) {
		record_print(&out, table);
		return print(&out);
	}
	row_write(&out, table, 0);
	buf_add_char(&out, '\n');
	return print(&out);
}
