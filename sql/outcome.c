/* Outcomes of functions (outcome.h). Called by the stores. */
#include "sql/outcome.h"

#include "lib/log.h"
#include "sql/row.h"

enum err outcome_find(
	const struct outcome *outcomes, size_t count, struct str name, const char **why)
{
	for (size_t i = 0; i < count; i++) {
		if (!str_equal(name, str_of(outcomes[i].name)))
			continue;
		if (outcomes[i].why)
			*why = outcomes[i].why;
		return outcomes[i].err;
	}
	log_error("a function has an outcome that its store does not know");
	return ERR_INTERNAL;
}

enum err outcome_read(
	const struct outcome *outcomes, size_t count, const struct rows *rows, const char **why)
{
	static const char *const names[] = { "outcome" };
	struct columns c;

	columns_find(rows, "", names, 1, &c);
	return outcome_find(outcomes, count, row_text(&c, 0, 0), why);
}
