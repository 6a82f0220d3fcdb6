/* What a request brings by variables: how often one was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rest/gateway.c"

static void variables_are_counted_by_their_whole_name(void **state)
{
	(void)state;
	static char *variables[] = { (char *)(uintptr_t) "HTTP_A=1",
		(char *)(uintptr_t) "HTTP_AB=2",
		(char *)(uintptr_t) "HTTP_A=", (char *)(uintptr_t) "http_a=3",
		(char *)(uintptr_t) "HTTP_C", NULL };
	static const struct {
		const char *name;
		size_t count;
	} rows[] = {
		{ "HTTP_A", 2 },
		{ "HTTP_AB", 1 },
		{ "HTTP_ABC", 0 },
		{ "HTTP_", 0 },
		{ "HTTP_C", 0 },
		{ "HTTP_D", 0 },
	};
	struct FCGX_Request request = { .envp = variables };
	struct gateway gateway;
	char **before = environ;

	gateway_fcgi(&gateway, &request);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(gateway.param_count(gateway.context, rows[i].name), rows[i].count);
	environ = variables;
	gateway_cgi(&gateway);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(gateway.param_count(gateway.context, rows[i].name), rows[i].count);
	environ = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_counted_by_their_whole_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
