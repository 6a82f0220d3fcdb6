/* Members: the role that is given, one's own view, and both as JSON. */
#include "lib/model/member.c"

#include <string.h>

#include "tests/unit/faults.h"

static void test_role(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *role; /* NULL: none */
		const char *faults;
	} rows[] = {
		{ "{}", NULL, "" },
		{ "{\"role\":null}", NULL, "" },
		{ "{\"role\":\"owner\"}", "owner", "" },
		{ "{\"role\":\"admin\"}", "admin", "" },
		{ "{\"role\":\"member\",\"more\":1}", "member", "" },
		{ "{\"role\":\"Owner\"}", NULL, "role:bad_format" },
		{ "{\"role\":\"owner \"}", NULL, "role:bad_format" },
		{ "{\"role\":\"\"}", NULL, "role:bad_format" },
		{ "{\"role\":1}", NULL, "role:bad_type" },
		{ "{\"role\":[\"owner\"]}", NULL, "role:bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct faults faults = { .count = 0 };
		struct str role = STR("not touched");
		member_role_read(document_parse(arena, str_of(rows[i].text)), &faults, &role);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			(rows[i].role == NULL) != (role.ptr == NULL) ||
			(role.ptr != NULL && !str_equal(role, str_of(rows[i].role))))
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
		arena_free(arena);
	}
}

static void test_role_of_no_body(void **state)
{
	(void)state;
	struct faults faults = { .count = 0 };
	struct str role = STR("not touched");
	member_role_read(NULL, &faults, &role);
	assert_null(role.ptr);
	assert_int_equal(faults.count, 0);
}

static void test_write(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct member member = {
		.display_name = STR("A \"B\""),
		.role = STR("owner"),
		.last_read_seq = 3,
		.last_delivered_seq = 4,
	};
	assert_int_equal(
		uuid_parse(STR("00000000-0000-4000-8000-000000000001"), &member.user_id), OK);
	member_write(&buf, &member);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data,
		"{\"user_id\":\"00000000-0000-4000-8000-000000000001\",\"display_name\":\"A "
		"\\\"B\\\"\",\"avatar_url\":null,\"role\":\"owner\",\"last_read_seq\":3,"
		"\"last_delivered_seq\":4}");
	buf_free(&buf);
}

static void test_change(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		struct membership_change change;
		const char *faults;
	} rows[] = {
		{ "{}", { .muted_until_us = TIME_NONE }, "" },
		{ "{\"muted_until\":null,\"pinned\":null,\"archived\":null}",
			{ .has_muted_until = true, .muted_until_us = TIME_NONE }, "" },
		{ "{\"muted_until\":\"1970-01-01T01:00:01+01:00\",\"pinned\":true,\"archived\":"
		  "false}",
			{ .has_muted_until = true,
				.muted_until_us = 1000000,
				.has_pinned = true,
				.pinned = true,
				.has_archived = true },
			"" },
		{ "{\"muted_until\":\"tomorrow\",\"pinned\":1,\"archived\":\"no\"}",
			{ .muted_until_us = TIME_NONE },
			"muted_until:bad_format pinned:bad_type archived:bad_type" },
		{ "{\"muted_until\":1,\"archived\":true}",
			{ .muted_until_us = TIME_NONE, .has_archived = true, .archived = true },
			"muted_until:bad_type" },
		{ "{\"muted_until\":\"\"}", { .muted_until_us = TIME_NONE },
			"muted_until:bad_format" },
		{ "[]", { .muted_until_us = TIME_NONE }, ":bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct faults faults = { .count = 0 };
		const struct membership_change *expected = &rows[i].change;
		struct membership_change change;
		membership_change_read(
			document_parse(arena, str_of(rows[i].text)), &faults, &change);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			change.has_muted_until != expected->has_muted_until ||
			change.muted_until_us != expected->muted_until_us ||
			change.has_pinned != expected->has_pinned ||
			change.pinned != expected->pinned ||
			change.has_archived != expected->has_archived ||
			change.archived != expected->archived)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
		arena_free(arena);
	}
}

static void test_write_watermarks(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	membership_write_read(&buf, 7, 0);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data, "{\"last_read_seq\":7,\"unread_count\":0}");
	buf_free(&buf);
	membership_write_delivered(&buf, 9);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data, "{\"last_delivered_seq\":9}");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role),
		cmocka_unit_test(test_role_of_no_body),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_write_watermarks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
