/* The table of routes and how a path finds its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rest/route.c"

#define ID1 "01a2012e-bc0f-74b4-a369-5388c405535a"
#define ID2 "7b0a3f5e-2c43-4a7d-9a52-6f6f1f1b8a11"

static const struct {
	const char *method, *path;
	enum err err;
	const char *pattern; /* of the row that is found */
	const char *allow;
} cases[] = {
	{ "GET", "/health", OK, "/health", "" },
	{ "GET", "/health/", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/users/me", OK, "/api/v1/users/me", "" },
	{ "PATCH", "/api/v1/users/me", OK, "/api/v1/users/me", "" },
	{ "PUT", "/api/v1/users/me", ERR_METHOD_NOT_ALLOWED, NULL, "GET, PATCH, DELETE" },
	{ "GET", "/api/v1/users/" ID1, OK, "/api/v1/users/{user}", "" },
	{ "GET", "/api/v1/users/01A2012E-BC0F-74B4-A369-5388C405535A", OK, "/api/v1/users/{user}",
		"" },
	{ "GET", "/api/v1/users/" ID1 "/", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/users/" ID1 "0", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/users/01a2012ebc0f74b4a3695388c405535a", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/users/{user}", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/users/", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1/conversations/" ID1 "/messages/" ID2, OK,
		"/api/v1/conversations/{conversation}/messages/{message}", "" },
	{ "GET", "/api/v1/conversations/" ID1 "/messages/me", ERR_NOT_FOUND, NULL, "" },
	{ "PUT", "/api/v1/conversations/" ID1 "/messages", ERR_METHOD_NOT_ALLOWED, NULL,
		"GET, POST" },
	{ "get", "/health", ERR_METHOD_NOT_ALLOWED, NULL, "GET" },
	{ "", "/health", ERR_METHOD_NOT_ALLOWED, NULL, "GET" },
	{ "POST", "/messages", OK, "/messages", "" },
	{ "GET", "/messages/" ID1, OK, "/messages/{conversation}", "" },
	{ "GET", "/messages/conversations/" ID1, OK, "/messages/conversations/{person}", "" },
	{ "GET", "/messages/conversations", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/messages/" ID1 "/mark-read", ERR_METHOD_NOT_ALLOWED, NULL, "POST" },
	{ "GET", "", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/api/v1", ERR_NOT_FOUND, NULL, "" },
	{ "GET", "/API/V1/config", ERR_NOT_FOUND, NULL, "" },
};

static void a_path_finds_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uuid ids[REQUEST_IDS_MAX];
		char allow[ROUTE_ALLOW_BYTES] = "";
		const struct route *route = NULL;
		struct str text;
		enum err err = route_find(
			str_of(cases[i].method), str_of(cases[i].path), &route, ids, &text, allow);

		if (err != cases[i].err ||
			(err == ERR_METHOD_NOT_ALLOWED && strcmp(allow, cases[i].allow) != 0) ||
			(err == OK && strcmp(route->pattern, cases[i].pattern) != 0))
			fail_msg("row %zu: %s %s: err %d, allow '%s'", i, cases[i].method,
				cases[i].path, err, allow);
	}
}

static void ids_come_in_the_order_of_the_path(void **state)
{
	struct uuid ids[REQUEST_IDS_MAX];
	char allow[ROUTE_ALLOW_BYTES], text[UUID_TEXT_LEN + 1];
	const struct route *route;
	struct str segment;

	(void)state;
	assert_int_equal(route_find(STR("GET"), STR("/api/v1/conversations/" ID1 "/messages/" ID2),
				 &route, ids, &segment, allow),
		OK);
	assert_null(segment.ptr);
	uuid_format(&ids[0], text);
	assert_string_equal(text, ID1);
	uuid_format(&ids[1], text);
	assert_string_equal(text, ID2);
}

static void a_text_goes_to_the_end_of_its_segment(void **state)
{
#define REACTIONS "/api/v1/conversations/" ID1 "/messages/" ID2 "/reactions"
	static const struct {
		const char *path;
		const char *text; /* NULL: not found */
	} rows[] = {
		{ REACTIONS "/\xf0\x9f\x91\x8d", "\xf0\x9f\x91\x8d" },
		{ REACTIONS "/a", "a" },
		{ REACTIONS "/%", "%" },
		{ REACTIONS "/{emoji:text}", "{emoji:text}" },
		{ REACTIONS "/" ID1, ID1 },
		{ REACTIONS "/", NULL },
		{ REACTIONS, NULL },
		{ REACTIONS "/a/", NULL },
		{ REACTIONS "/a/b", NULL },
		{ REACTIONS "//a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uuid ids[REQUEST_IDS_MAX];
		char allow[ROUTE_ALLOW_BYTES];
		const struct route *route;
		struct str text = { NULL, 0 };
		enum err err =
			route_find(STR("PUT"), str_of(rows[i].path), &route, ids, &text, allow);

		if (err != (rows[i].text ? OK : ERR_NOT_FOUND) ||
			!str_equal(text, str_of(rows[i].text)))
			fail_msg("row %zu: %s: err %d, '%.*s'", i, rows[i].path, err, (int)text.len,
				text.ptr ? text.ptr : "");
	}
}

static void every_row_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < nroutes; i++) {
		const struct route *row = &routes[i];
		size_t braces = 0, texts = 0;

		for (const char *at = row->pattern; *at != '\0'; at++) {
			braces += *at == '{';
			texts += *at == ':';
		}
		if (!row->handler || braces - texts > REQUEST_IDS_MAX || texts > 1 ||
			row->pattern[0] != '/' || strlen(row->pattern) >= SHM_LABEL_BYTES ||
			(row->body <= BODY_STREAM) != (row->body_max == 0))
			fail_msg("row %zu: %s %s", i, row->method, row->pattern);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(routes[j].pattern, row->pattern) == 0 &&
				strcmp(routes[j].method, row->method) == 0)
				fail_msg("rows %zu and %zu are the same: %s", j, i, row->pattern);
		}
	}
	assert_true(nroutes <= SHM_ROUTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_finds_its_row),
		cmocka_unit_test(ids_come_in_the_order_of_the_path),
		cmocka_unit_test(a_text_goes_to_the_end_of_its_segment),
		cmocka_unit_test(every_row_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
