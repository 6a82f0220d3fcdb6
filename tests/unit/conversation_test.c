/* Conversations: what opens one, and one as JSON. */
#include "lib/model/conversation.c"

#include "lib/time.h"
#include "tests/unit/faults.h"

#define ME "00000000-0000-4000-8000-000000000001"
#define BOB "00000000-0000-4000-8000-000000000002"
#define CAROL "00000000-0000-4000-8000-000000000003"

static int arena_make(void **state)
{
	*state = arena_new();
	return 0;
}

static int arena_drop(void **state)
{
	arena_free(*state);
	return 0;
}

static struct uuid id_of(const char *text)
{
	struct uuid id;
	assert_int_equal(uuid_parse(str_of(text), &id), OK);
	return id;
}

static struct conversation_new read_new(
	struct arena *arena, const char *text, struct faults *faults)
{
	struct conversation_new conversation;
	struct uuid me = id_of(ME);
	faults->count = 0;
	conversation_new_read(
		arena, document_parse(arena, str_of(text)), &me, 256, faults, &conversation);
	return conversation;
}

/* "a" repeated. */
static const char *letters(struct arena *arena, size_t count)
{
	char *out = arena_alloc(arena, count + 1);
	memset(out, 'a', count);
	return out;
}

static void test_faults(void **state)
{
	struct arena *arena = *state;
	const struct {
		const char *text;
		const char *faults;
	} rows[] = {
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" BOB "\"]}", "" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" BOB "\"],\"title\":null,"
		  "\"history\":\"all\"}",
			"" },
		{ "{\"kind\":\"direct\"}", "member_ids:required" },
		{ "{\"kind\":\"direct\",\"member_ids\":[]}", "member_ids:too_short" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" ME "\"]}",
			"member_ids[0]:not_allowed" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" BOB "\",\"" CAROL "\"]}",
			"member_ids:too_long" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" ME "\",\"" BOB "\"]}",
			"member_ids:too_long" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"x\"]}", "member_ids[0]:bad_format" },
		{ "{\"kind\":\"direct\",\"member_ids\":[null]}", "member_ids[0]:bad_type" },
		{ "{\"kind\":\"direct\",\"member_ids\":\"" BOB "\"}", "member_ids:bad_type" },
		{ "{\"kind\":\"direct\",\"member_ids\":[\"" BOB "\"],\"title\":\"T\","
		  "\"external_ref\":\"r\",\"avatar_url\":\"https://a\"}",
			"title:not_allowed avatar_url:not_allowed external_ref:not_allowed" },

		{ "{\"kind\":\"group\",\"member_ids\":[]}", "" },
		{ "{\"kind\":\"group\",\"member_ids\":[\"" ME "\",\"" BOB "\",\"" BOB "\"]}", "" },
		{ "{\"kind\":\"group\"}", "member_ids:required" },
		{ "{\"kind\":\"group\",\"member_ids\":[\"" BOB "\",1,\"x\"]}",
			"member_ids[1]:bad_type member_ids[2]:bad_format" },
		{ "{\"kind\":\"group\",\"member_ids\":[],\"title\":\"T\",\"external_ref\":\"r/1\","
		  "\"avatar_url\":\"https://a\",\"history\":\"joined\"}",
			"" },
		{ "{\"kind\":\"group\",\"member_ids\":[],\"title\":\"\",\"external_ref\":\"\","
		  "\"avatar_url\":\"\",\"history\":\"\"}",
			"title:too_short avatar_url:bad_format external_ref:too_short "
			"history:bad_format" },
		{ "{\"kind\":\"group\",\"member_ids\":[],\"title\":\"a\\tb\","
		  "\"external_ref\":\"a\\nb\",\"history\":true}",
			"title:bad_format external_ref:bad_format history:bad_type" },
		{ arena_printf(arena,
			  "{\"kind\":\"group\",\"member_ids\":[],\"title\":\"%s\",\"external_ref\":"
			  "\"%s\"}",
			  letters(arena, 128), letters(arena, 255)),
			"" },
		{ arena_printf(arena,
			  "{\"kind\":\"group\",\"member_ids\":[],\"title\":\"%s\",\"external_ref\":"
			  "\"%s\"}",
			  letters(arena, 129), letters(arena, 256)),
			"title:too_long external_ref:too_long" },

		{ "{}", "kind:required member_ids:required" },
		{ "{\"kind\":\"room\",\"member_ids\":[],\"title\":\"T\"}", "kind:bad_format" },
		{ "{\"kind\":\"Direct\",\"member_ids\":[]}", "kind:bad_format" },
		{ "{\"kind\":1,\"member_ids\":{}}", "kind:bad_type member_ids:bad_type" },
		{ "[]", ":bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults;
		read_new(arena, rows[i].text, &faults);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_values(void **state)
{
	struct faults faults;
	struct conversation_new group = read_new(*state,
		"{\"kind\":\"group\",\"title\":\"T\",\"external_ref\":\"r/1\","
		"\"avatar_url\":\"https://a\",\"history\":\"joined\",\"member_ids\":["
		"\"" CAROL "\",\"" ME "\",\"" BOB "\",\"" CAROL "\",\"" BOB "\"]}",
		&faults);
	struct uuid bob = id_of(BOB), carol = id_of(CAROL);
	assert_int_equal(faults.count, 0);
	assert_int_equal(group.kind, CONVERSATION_GROUP);
	assert_true(str_equal(group.title, STR("T")));
	assert_true(str_equal(group.external_ref, STR("r/1")));
	assert_true(str_equal(group.avatar_url, STR("https://a")));
	assert_false(group.history_all);
	assert_int_equal(group.nmembers, 2);
	assert_true(uuid_equal(&group.member_ids[0], &bob));
	assert_true(uuid_equal(&group.member_ids[1], &carol));

	struct conversation_new direct =
		read_new(*state, "{\"kind\":\"direct\",\"member_ids\":[\"" BOB "\"]}", &faults);
	assert_int_equal(direct.kind, CONVERSATION_DIRECT);
	assert_null(direct.title.ptr);
	assert_true(direct.history_all);
	assert_int_equal(direct.nmembers, 1);
	assert_true(uuid_equal(&direct.member_ids[0], &bob));
}

/* A list of count different ids. */
static const char *many_ids(struct arena *arena, size_t count)
{
	struct buf buf = { 0 };
	buf_add_string(&buf, "{\"kind\":\"group\",\"member_ids\":[");
	for (size_t i = 0; i < count; i++)
		buf_printf(&buf, "%s\"%08zx-0000-4000-9000-000000000000\"", i ? "," : "", i);
	buf_add_string(&buf, "]}");
	const char *text = arena_strndup(arena, buf.data, buf.len);
	buf_free(&buf);
	return text;
}

/* A group that is too full is for the caller to refuse; a list beyond all measure is not looked at.
 */
static void test_many_members(void **state)
{
	static const struct {
		size_t count;
		const char *faults;
		size_t members;
	} rows[] = {
		{ 255, "", 255 },
		{ 256, "", 256 },
		{ MEMBER_IDS_MAX, "", MEMBER_IDS_MAX },
		{ MEMBER_IDS_MAX + 1, "member_ids:too_long", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults;
		struct conversation_new group =
			read_new(*state, many_ids(*state, rows[i].count), &faults);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			group.nmembers != rows[i].members)
			fail_msg("row %zu: %zu %s", i, group.nmembers, faults_line(&faults));
	}
}

static void test_kinds(void **state)
{
	(void)state;
	enum conversation_kind kind = CONVERSATION_GROUP;
	for (size_t i = 0; i < CONVERSATION_KIND__MAX; i++) {
		const char *name = conversation_kind_name((enum conversation_kind)i);
		assert_int_equal(conversation_kind_parse(str_of(name), &kind), OK);
		assert_int_equal(kind, i);
	}
	assert_int_equal(conversation_kind_parse(STR("directs"), &kind), ERR_INVALID_INPUT);
	assert_int_equal(conversation_kind_parse(STR(""), &kind), ERR_INVALID_INPUT);
	assert_int_equal(
		conversation_kind_parse((struct str){ NULL, 0 }, &kind), ERR_INVALID_INPUT);
}

static void expect(const struct conversation *conversation, const char *expected)
{
	struct buf buf = { 0 };
	conversation_write(&buf, conversation);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data, expected);
	buf_free(&buf);
}

#define EPOCH "\"1970-01-01T00:00:00.000000Z\""

static void test_write(void **state)
{
	(void)state;
	struct conversation conversation = {
		.id = id_of(BOB),
		.kind = CONVERSATION_DIRECT,
		.member_count = 2,
	};
	expect(&conversation,
		"{\"id\":\"" BOB "\",\"kind\":\"direct\",\"title\":null,\"avatar_url\":null,"
		"\"external_ref\":null,\"created_by\":null,\"created_at\":" EPOCH
		",\"last_activity_at\":" EPOCH ",\"last_seq\":0,\"rev\":0,\"member_count\":2,"
		"\"last_message\":null}");

	const struct member members[] = {
		{ .user_id = id_of(ME),
			.display_name = STR("M"),
			.role = STR("owner"),
			.last_read_seq = 3,
			.last_delivered_seq = 4 },
		{ .user_id = id_of(BOB),
			.display_name = STR("B"),
			.avatar_url = STR("https://b"),
			.role = STR("member") },
	};
	const struct membership me = {
		.role = STR("owner"),
		.last_read_seq = 3,
		.last_delivered_seq = 4,
		.unread_count = 1,
		.muted_until_us = TIME_NONE,
		.pinned = true,
	};
	conversation.kind = CONVERSATION_GROUP;
	conversation.title = STR("T");
	conversation.avatar_url = STR("https://a");
	conversation.external_ref = STR("r");
	conversation.created_by = id_of(ME);
	conversation.last_seq = 4;
	conversation.rev = 5;
	conversation.members = members;
	conversation.nmembers = 2;
	conversation.me = &me;
	expect(&conversation,
		"{\"id\":\"" BOB
		"\",\"kind\":\"group\",\"title\":\"T\",\"avatar_url\":\"https://a\","
		"\"external_ref\":\"r\",\"created_by\":\"" ME "\",\"created_at\":" EPOCH
		",\"last_activity_at\":" EPOCH ",\"last_seq\":4,\"rev\":5,\"member_count\":2,"
		"\"members\":[{\"user_id\":\"" ME "\",\"display_name\":\"M\",\"avatar_url\":null,"
		"\"role\":\"owner\",\"last_read_seq\":3,\"last_delivered_seq\":4},"
		"{\"user_id\":\"" BOB "\",\"display_name\":\"B\",\"avatar_url\":\"https://b\","
		"\"role\":\"member\",\"last_read_seq\":0,\"last_delivered_seq\":0}],"
		"\"me\":{\"role\":\"owner\",\"joined_at\":" EPOCH ",\"last_read_seq\":3,"
		"\"last_delivered_seq\":4,\"unread_count\":1,\"muted_until\":null,\"pinned\":true,"
		"\"archived\":false},\"last_message\":null}");
}

/* The latest message stands there as it stands anywhere. */
static void test_write_last_message(void **state)
{
	(void)state;
	struct message message = { .id = id_of(ME),
		.type = STR("text"),
		.body = STR("x"),
		.edited_at_us = TIME_NONE,
		.deleted_at_us = TIME_NONE };
	struct conversation conversation = { .id = id_of(BOB), .last_message = &message };
	struct buf alone = { 0 }, within = { 0 };
	message_write(&alone, &message);
	conversation_write(&within, &conversation);
	size_t tail = alone.len + 1;
	assert_memory_equal(within.data + within.len - tail - 15, "\"last_message\":", 15);
	assert_memory_equal(within.data + within.len - tail, alone.data, alone.len);
	buf_free(&alone);
	buf_free(&within);
}

/* It is the head of the whole, so that a client may lay one over the other. */
static void test_write_columns(void **state)
{
	(void)state;
	struct conversation conversation = { .id = id_of(BOB), .title = STR("T"), .rev = 7 };
	struct buf columns = { 0 }, whole = { 0 };
	conversation_write_columns(&columns, &conversation);
	conversation_write(&whole, &conversation);
	assert_int_equal(columns.data[columns.len - 1], '}');
	assert_memory_equal(whole.data, columns.data, columns.len - 1);
	assert_memory_equal(whole.data + columns.len - 1, ",\"last_message\":null}",
		whole.len - columns.len + 1);
	buf_free(&columns);
	buf_free(&whole);
}

static void test_change(void **state)
{
	struct arena *arena = *state;
	const struct {
		const char *text;
		bool has_title;
		const char *title; /* NULL: to be cleared, or not sent */
		bool has_avatar_url;
		const char *avatar_url;
		const char *faults;
	} rows[] = {
		{ "{}", false, NULL, false, NULL, "" },
		{ "{\"title\":null}", true, NULL, false, NULL, "" },
		{ "{\"avatar_url\":null,\"kind\":1}", false, NULL, true, NULL, "" },
		{ "{\"title\":\"T\",\"avatar_url\":\"https://a\"}", true, "T", true, "https://a",
			"" },
		{ "{\"title\":\"\",\"avatar_url\":\"https://a\"}", false, NULL, true, "https://a",
			"title:too_short" },
		{ "{\"title\":\" \",\"avatar_url\":\"a\"}", false, NULL, false, NULL,
			"title:bad_format avatar_url:bad_format" },
		{ "{\"title\":1,\"avatar_url\":{}}", false, NULL, false, NULL,
			"title:bad_type avatar_url:bad_type" },
		{ arena_printf(arena, "{\"title\":\"%s\"}", letters(arena, 129)), false, NULL,
			false, NULL, "title:too_long" },
		{ "[]", false, NULL, false, NULL, ":bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct conversation_change change;
		conversation_change_read(
			document_parse(arena, str_of(rows[i].text)), &faults, &change);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			change.has_title != rows[i].has_title ||
			change.has_avatar_url != rows[i].has_avatar_url ||
			!str_equal(change.title, str_of(rows[i].title)) ||
			!str_equal(change.avatar_url, str_of(rows[i].avatar_url)))
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_faults, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_values, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_many_members, arena_make, arena_drop),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_last_message),
		cmocka_unit_test(test_write_columns),
		cmocka_unit_test_setup_teardown(test_change, arena_make, arena_drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
