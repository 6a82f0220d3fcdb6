/* The table of errors, and the document that tells one. */
#include "lib/model/problem.c"

#include <string.h>

#include "tests/unit/faults.h"

static void test_table(void **state)
{
	(void)state;
	for (int err = OK + 1; err < ERR__MAX; err++) {
		const struct problem_info *info = &problem_infos[err];
		if (info->status < 400 || info->status > 599 || !info->code || !info->title ||
			!info->detail)
			fail_msg("row %d is not whole", err);
		for (int other = OK + 1; other < err; other++) {
			if (strcmp(info->code, problem_infos[other].code) == 0)
				fail_msg("rows %d and %d have the code %s", err, other, info->code);
		}
	}
	assert_null(problem_infos[OK].code);
}

static void test_statuses(void **state)
{
	(void)state;
	static const struct {
		enum err err;
		int status;
		const char *code;
	} rows[] = {
		{ ERR_MALFORMED, 400, "malformed" },
		{ ERR_UNAUTHORIZED, 401, "unauthorized" },
		{ ERR_TOKEN_EXPIRED, 401, "token_expired" },
		{ ERR_FORBIDDEN, 403, "forbidden" },
		{ ERR_NOT_FOUND, 404, "not_found" },
		{ ERR_METHOD_NOT_ALLOWED, 405, "method_not_allowed" },
		{ ERR_NOT_ACCEPTABLE, 406, "not_acceptable" },
		{ ERR_CONFLICT, 409, "conflict" },
		{ ERR_ID_REUSED, 409, "id_reused" },
		{ ERR_BLOCKED, 403, "blocked" },
		{ ERR_GROUP_FULL, 409, "group_full" },
		{ ERR_QUOTA_EXCEEDED, 409, "quota_exceeded" },
		{ ERR_PRECONDITION_FAILED, 412, "precondition_failed" },
		{ ERR_RANGE_NOT_SATISFIABLE, 416, "range_not_satisfiable" },
		{ ERR_TOO_LARGE, 413, "too_large" },
		{ ERR_URI_TOO_LONG, 414, "uri_too_long" },
		{ ERR_UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type" },
		{ ERR_INVALID_INPUT, 422, "invalid_input" },
		{ ERR_RATE_LIMITED, 429, "rate_limited" },
		{ ERR_HEADERS_TOO_LARGE, 431, "headers_too_large" },
		{ ERR_INTERNAL, 500, "internal" },
		{ ERR_UNAVAILABLE, 503, "unavailable" },
	};
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), ERR__MAX - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct problem_info *info = &problem_infos[rows[i].err];
		if (info->status != rows[i].status || strcmp(info->code, rows[i].code) != 0)
			fail_msg("row %zu: %d %s", i, info->status, info->code);
	}
}

static void expect(struct buf *buf, const char *expected)
{
	buf_add_char(buf, '\0');
	assert_string_equal(buf->data, expected);
	buf_free(buf);
}

static void test_write(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct faults faults = { .count = 0 };
	problem_write(&buf, ERR_NOT_FOUND, LANGUAGE_ENGLISH, NULL, NULL, NULL);
	expect(&buf, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
		     "\"code\":\"not_found\",\"detail\":\"There is no such thing here.\"}");

	problem_write(
		&buf, ERR_MALFORMED, LANGUAGE_ENGLISH, "duplicate key at byte 7", "req-1", &faults);
	expect(&buf, "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		     "\"code\":\"malformed\",\"detail\":\"duplicate key at byte 7\","
		     "\"request_id\":\"req-1\"}");

	fault_add(&faults, "body", "too_long", "It is too long.");
	fault_add(&faults, "member_ids[3]", "bad_format", "It must be a UUID.");
	problem_write(&buf, ERR_INVALID_INPUT, LANGUAGE_ENGLISH, NULL, "req-2", &faults);
	expect(&buf, "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
		     "\"code\":\"invalid_input\",\"detail\":\"A field of the request is wrong.\","
		     "\"request_id\":\"req-2\",\"errors\":["
		     "{\"field\":\"body\",\"code\":\"too_long\",\"detail\":\"It is too long.\"},"
		     "{\"field\":\"member_ids[3]\",\"code\":\"bad_format\","
		     "\"detail\":\"It must be a UUID.\"}]}");
}

static void every_text_of_the_table_is_translated(void **state)
{
	(void)state;
	for (int err = OK + 1; err < ERR__MAX; err++) {
		const struct problem_info *info = &problem_infos[err];
		for (int language = LANGUAGE_ENGLISH + 1; language < LANGUAGE__MAX; language++) {
			if (translate(info->title, language) == info->title)
				fail_msg("row %d: %s is not translated", err, info->title);
			if (translate(info->detail, language) == info->detail)
				fail_msg("row %d: %s is not translated", err, info->detail);
		}
	}
}

static void a_problem_speaks_ones_language(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct faults faults = { .count = 0 };
	fault_add(&faults, "body", "required", "It is required.");
	fault_add(&faults, "member_ids[0]", "unknown", "There is no user x.");
	problem_write(&buf, ERR_INVALID_INPUT, LANGUAGE_GERMAN, NULL, "req-3", &faults);
	expect(&buf,
		"{\"type\":\"about:blank\",\"title\":\"Inhalt nicht verarbeitbar\",\"status\":422,"
		"\"code\":\"invalid_input\",\"detail\":\"Ein Feld der Anfrage ist falsch.\","
		"\"request_id\":\"req-3\",\"errors\":["
		"{\"field\":\"body\",\"code\":\"required\",\"detail\":\"Es ist nötig.\"},"
		"{\"field\":\"member_ids[0]\",\"code\":\"unknown\","
		"\"detail\":\"There is no user x.\"}]}");
	problem_write(&buf, ERR_UNAUTHORIZED, LANGUAGE_FRENCH, "The name or the password is wrong.",
		NULL, NULL);
	expect(&buf, "{\"type\":\"about:blank\",\"title\":\"Non authentifié\",\"status\":401,"
		     "\"code\":\"unauthorized\",\"detail\":\"Le nom ou le mot de passe est "
		     "incorrect.\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_write),
		cmocka_unit_test(every_text_of_the_table_is_translated),
		cmocka_unit_test(a_problem_speaks_ones_language),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
