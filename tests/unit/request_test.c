/* Reading a request's head and query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rest/request.c"

/* A gateway whose variables are rows of name and value. */
struct variables {
	const char *const (*rows)[2];
	size_t count;
	const char *body;
};

static const char *get_param(void *context, const char *name)
{
	struct variables *variables = context;

	for (size_t i = 0; i < variables->count; i++) {
		if (strcmp(variables->rows[i][0], name) == 0)
			return variables->rows[i][1];
	}
	return NULL;
}

static size_t get_params_bytes(void *context)
{
	(void)context;
	return 100;
}

static size_t read_body(void *context, char *bytes, size_t size)
{
	struct variables *variables = context;
	size_t left = variables->body ? strlen(variables->body) : 0;

	/* a few bytes at a time, as a socket may */
	size = size > 3 ? 3 : size;
	size = size > left ? left : size;
	if (size > 0)
		memcpy(bytes, variables->body, size);
	if (variables->body)
		variables->body += size;
	return size;
}

static struct worker worker;

static void open_request(struct request *req, struct gateway *gateway, struct variables *variables)
{
	*gateway = (struct gateway){ variables, get_param, get_params_bytes, read_body, NULL, NULL,
		NULL };
	if (!worker.arena)
		worker.arena = arena_new();
	assert_int_equal(request_open(req, &worker, gateway), OK);
}

static const struct {
	const char *query, *name;
	enum err err;
	const char *value;
} queries_of[] = {
	{ "limit=5", "limit", OK, "5" },
	{ "a=b&limit=5&c", "limit", OK, "5" },
	{ "a=b&limit=5&c", "c", OK, "" },
	{ "limit=", "limit", OK, "" },
	{ "", "limit", ERR_NOT_FOUND, NULL },
	{ "xlimit=5&limitx=6", "limit", ERR_NOT_FOUND, NULL },
	{ "limit=1&limit=1", "limit", ERR_INVALID_INPUT, NULL },
	{ "l%69mit=%35", "limit", OK, "5" },
	{ "q=a+b%2B%c3%a4", "q", OK, "a b+\xc3\xa4" },
	{ "q=%", "q", ERR_INVALID_INPUT, NULL },
	{ "q=%4", "q", ERR_INVALID_INPUT, NULL },
	{ "q=%zz", "q", ERR_INVALID_INPUT, NULL },
	{ "q=%ff", "q", ERR_INVALID_INPUT, NULL },
	{ "q=%00", "q", ERR_INVALID_INPUT, NULL },
	{ "&&q=1&", "q", OK, "1" },
	{ "%zz=1&q=2", "q", OK, "2" },
};

static void a_query_parameter_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(queries_of) / sizeof(queries_of[0]); i++) {
		const char *const rows[][2] = { { "QUERY_STRING", queries_of[i].query } };
		struct variables variables = { rows, 1, NULL };
		struct gateway gateway;
		struct request req;
		struct str value = { NULL, 0 };
		enum err err;

		open_request(&req, &gateway, &variables);
		err = request_query(&req, queries_of[i].name, &value);
		if (err != queries_of[i].err ||
			(err == OK && !str_equal(value, str_of(queries_of[i].value))) ||
			(err == ERR_INVALID_INPUT) != (req.faults.count == 1))
			fail_msg("row %zu: %s: err %d", i, queries_of[i].query, err);
		arena_reset(worker.arena);
	}
}

static const struct {
	const char *script, *info, *path;
} paths[] = {
	{ "", "/api/v1/config", "/api/v1/config" }, /* lighttpd with fix-root-scriptname */
	{ "/api/v1/config", "", "/api/v1/config" }, /* nginx without PATH_INFO */
	{ "/api/v1/config", NULL, "/api/v1/config" },
	{ "/cgi-bin/parley-rest", "/api/v1/config", "/api/v1/config" }, /* plain CGI */
	{ "/cgi-bin/parley-rest", "/health", "/health" },
	{ "/cgi-bin/parley-rest", "/messages", "/messages" },
	{ "/cgi-bin/parley-rest", "/messages/x", "/messages/x" },
	{ "/cgi-bin/parley-rest", "/messagesx", "/cgi-bin/parley-rest/messagesx" },
	{ NULL, NULL, "" },
};

static void the_path_is_found_wherever_it_is_mounted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *const rows[][2] = { { "SCRIPT_NAME", paths[i].script },
			{ "PATH_INFO", paths[i].info } };
		struct variables variables = { rows, 2, NULL };
		struct gateway gateway;
		struct request req;

		open_request(&req, &gateway, &variables);
		if (!str_equal(req.path, str_of(paths[i].path)))
			fail_msg("row %zu: '%.*s'", i, (int)req.path.len, req.path.ptr);
		arena_reset(worker.arena);
	}
}

static const struct {
	const char *given;
	bool kept;
} ids_given[] = {
	{ "abc", true },
	{ "A-b_c.9", true },
	{ "", false },
	{ "a b", false },
	{ "a\r\nX: y", false },
	{ "\xc3\xa4", false },
	{ "0123456789012345678901234567890123456789012345678901234567890123", true },
	{ "01234567890123456789012345678901234567890123456789012345678901234", false },
};

static void a_good_request_id_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ids_given) / sizeof(ids_given[0]); i++) {
		const char *const rows[][2] = { { "HTTP_X_REQUEST_ID", ids_given[i].given } };
		struct variables variables = { rows, 1, NULL };
		struct gateway gateway;
		struct request req;
		struct uuid id;

		open_request(&req, &gateway, &variables);
		if (ids_given[i].kept != (strcmp(req.id, ids_given[i].given) == 0) ||
			(!ids_given[i].kept && uuid_parse(str_of(req.id), &id) != OK))
			fail_msg("row %zu: %s became %s", i, ids_given[i].given, req.id);
		arena_reset(worker.arena);
	}
}

static const struct {
	const char *type, *encoding, *length, *body;
	bool needed;
	enum err err;
} bodies[] = {
	{ "application/json", NULL, "2", "{}", true, OK },
	{ "Application/JSON; charset=UTF-8", NULL, "2", "{}", true, OK },
	{ "application/json;charset=utf-16", NULL, "2", "{}", true, ERR_UNSUPPORTED_MEDIA_TYPE },
	{ "application/jsonx", NULL, "2", "{}", true, ERR_UNSUPPORTED_MEDIA_TYPE },
	{ "text/plain", NULL, "2", "{}", true, ERR_UNSUPPORTED_MEDIA_TYPE },
	{ NULL, NULL, "2", "{}", true, ERR_UNSUPPORTED_MEDIA_TYPE },
	{ "application/json", "gzip", "2", "{}", true, ERR_UNSUPPORTED_MEDIA_TYPE },
	{ "application/json", NULL, "0", "", true, ERR_MALFORMED },
	{ NULL, NULL, NULL, NULL, true, ERR_MALFORMED },
	{ NULL, NULL, NULL, NULL, false, OK },
	{ NULL, NULL, "0", "", false, OK },
	{ "application/json", NULL, "-1", "{}", true, ERR_MALFORMED },
	{ "application/json", NULL, "1e3", "{}", true, ERR_MALFORMED },
	{ "application/json", NULL, "10", "{}", true, ERR_MALFORMED }, /* ends early */
	{ "application/json", NULL, "2", "[]", true, ERR_MALFORMED },
	{ "application/json", NULL, "4", "null", false, ERR_MALFORMED },
	{ "application/json", NULL, "16", "{\"a\":\"12345678\"}", true, OK },
	{ "application/json", NULL, "17", "{\"a\":\"123456789\"}", true, ERR_TOO_LARGE },
};

static void a_body_is_read_whole_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const char *const rows[][2] = { { "CONTENT_TYPE", bodies[i].type },
			{ "HTTP_CONTENT_ENCODING", bodies[i].encoding },
			{ "CONTENT_LENGTH", bodies[i].length } };
		struct variables variables = { rows, 3, bodies[i].body };
		struct gateway gateway;
		struct request req;
		const char *why;
		enum err err;

		open_request(&req, &gateway, &variables);
		err = request_read_body(&req, 16, bodies[i].needed, &why);
		if (err != bodies[i].err)
			fail_msg("row %zu: err %d", i, err);
		arena_reset(worker.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_parameter_is_decoded),
		cmocka_unit_test(the_path_is_found_wherever_it_is_mounted),
		cmocka_unit_test(a_good_request_id_is_kept),
		cmocka_unit_test(a_body_is_read_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
