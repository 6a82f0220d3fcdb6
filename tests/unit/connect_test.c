/* Connection strings for programs that are told them on their command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/connect.c"

static void the_password_is_taken_out(void **state)
{
	(void)state;
	static const struct {
		const char *conninfo, *plain, *password; /* plain NULL: refused */
	} rows[] = {
		{ "", "", NULL },
		{ "dbname=parley user=parley", "dbname='parley' user='parley'", NULL },
		{ "password=x dbname=parley", "dbname='parley'", "x" },
		{ "dbname=parley password='a b\\'c\\\\d'", "dbname='parley'", "a b'c\\d" },
		{ "host='/it\\'s \\\\ here' port=5433", "host='/it\\'s \\\\ here' port='5433'",
			NULL },
		{ "postgresql://me:p%40ss@db.example.org:5433/parley?sslmode=require",
			"user='me' host='db.example.org' port='5433' dbname='parley' "
			"sslmode='require'",
			"p@ss" },
		{ "parley", NULL, NULL },
		{ "nothing=1", NULL, NULL },
		{ "dbname='parley", NULL, NULL },
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *plain = NULL, *password = NULL;
		enum err err = connect_split(arena, rows[i].conninfo, &plain, &password);
		PQconninfoOption *wanted, *got;

		if (!rows[i].plain != (err != OK))
			fail_msg("%s: %d", rows[i].conninfo, err);
		if (err != OK)
			continue;
		if (!rows[i].password != !password ||
			(password && strcmp(password, rows[i].password) != 0))
			fail_msg("%s: password %s", rows[i].conninfo, password ? password : "none");
		/* libpq has an order of its own */
		wanted = PQconninfoParse(rows[i].plain, NULL);
		got = PQconninfoParse(plain, NULL);
		assert_non_null(wanted);
		assert_non_null(got);
		for (size_t j = 0; wanted[j].keyword; j++) {
			const char *a = wanted[j].val, *b = got[j].val;

			if (!a != !b || (a && strcmp(a, b) != 0))
				fail_msg("%s: %s", rows[i].conninfo, plain);
		}
		PQconninfoFree(wanted);
		PQconninfoFree(got);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_password_is_taken_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
