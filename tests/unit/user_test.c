/* People: what may be registered, signed in with and changed, and the profile. */
#include "lib/model/user.c"

#include <stdlib.h>

#include "lib/time.h"
#include "tests/unit/faults.h"

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

/* count times text. */
static const char *repeat(struct arena *arena, const char *text, size_t count)
{
	size_t len = strlen(text);
	char *out = arena_alloc(arena, len * count + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(out + len * i, text, len);
	return out;
}

static void test_new(void **state)
{
	struct arena *arena = *state;
	static const char good[] =
		"\"handle\":\"abc\",\"display_name\":\"A\",\"password\":\"12345678\"";
	const struct {
		const char *text;
		const char *faults;
	} rows[] = {
		{ arena_printf(arena, "{%s}", good), "" },
		{ arena_printf(arena, "{%s,\"email\":null,\"locale\":null,\"more\":[1]}", good),
			"" },
		{ "{}", "handle:required display_name:required password:required" },
		{ "[]", ":bad_type" },
		{ "\"handle\"", ":bad_type" },
		{ "null", ":bad_type" },
		{ "{\"handle\":\"ab\",\"display_name\":\"\",\"password\":\"1234567\","
		  "\"email\":\"x\",\"locale\":\"e\"}",
			"handle:too_short display_name:too_short password:too_short "
			"email:bad_format locale:bad_format" },
		{ "{\"handle\":1,\"display_name\":{},\"password\":[],\"email\":true,\"locale\":1."
		  "5}",
			"handle:bad_type display_name:bad_type password:bad_type "
			"email:bad_type locale:bad_type" },
		{ arena_printf(arena,
			  "{\"handle\":\"%s\",\"display_name\":\"%s\",\"password\":\"%s\"}",
			  repeat(arena, "h", 32), repeat(arena, "\xf0\x9f\x98\x80", 64),
			  repeat(arena, "\xc3\xa9", 128)),
			"" },
		{ arena_printf(arena,
			  "{\"handle\":\"%s\",\"display_name\":\"%s\",\"password\":\"%s\"}",
			  repeat(arena, "h", 33), repeat(arena, "n", 65), repeat(arena, "p", 257)),
			"handle:too_long display_name:too_long password:too_long" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct user_new user;
		user_new_read(document_parse(arena, str_of(rows[i].text)), &faults, &user);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_handles(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "alice", true },
		{ "A.b_c-9", true },
		{ "...", true },
		{ "a b", false },
		{ "a@b", false },
		{ "a/b", false },
		{ "a\xc3\xa9", false },
		{ "abc\n", false },
		{ "a:b", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_handle(str_of(rows[i].text)) != rows[i].good)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void test_emails(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "a@b", true },
		{ "first.last+tag@mail.example.org", true },
		{ "o'neil@example.org", true },
		{ "\xc3\xa9@example.org", true },
		{ "1234567890123456789012345678901234567890123456789012345678901234@b", true },
		{ "12345678901234567890123456789012345678901234567890123456789012345@b", false },
		{ "", false },
		{ "a", false },
		{ "@", false },
		{ "@b", false },
		{ "a@", false },
		{ "a@b@c", false },
		{ "a b@c", false },
		{ "a@b ", false },
		{ "a@b\n", false },
		{ "a@b\r\nBcc: x@y", false },
		{ "a@b,c@d", false },
		{ "a,b@d", false },
		{ "<a@b>", false },
		{ "\"a\"@b", false },
		{ "a@b\xe2\x80\xae", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_email(str_of(rows[i].text)) != rows[i].good)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void test_locales(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "en", true },
		{ "de-CH", true },
		{ "zh-Hant-TW", true },
		{ "sl-IT-nedis-1994", true },
		{ "de-x-y", true },
		{ "", false },
		{ "e", false },
		{ "-", false },
		{ "en-", false },
		{ "-en", false },
		{ "en--US", false },
		{ "en_US", false },
		{ "e1", false },
		{ "12", false },
		{ "abcdefghi", false },
		{ "en-abcdefghi", false },
		{ "en US", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_locale(str_of(rows[i].text)) != rows[i].good)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

/* Which fields a change has, as a word of letters: name, avatar, bio, locale, settings. */
static const char *change_letters(const struct user_change *change)
{
	static char letters[6];
	size_t len = 0;
	if (change->has_display_name)
		letters[len++] = 'n';
	if (change->has_avatar_url)
		letters[len++] = 'a';
	if (change->has_bio)
		letters[len++] = 'b';
	if (change->has_locale)
		letters[len++] = 'l';
	if (change->has_settings)
		letters[len++] = 's';
	letters[len] = '\0';
	return letters;
}

static void test_change(void **state)
{
	struct arena *arena = *state;
	const struct {
		const char *text;
		const char *faults;
		const char *has;
	} rows[] = {
		{ "{}", "", "" },
		{ "{\"handle\":\"new\",\"email\":1}", "", "" },
		{ "{\"display_name\":\"N\",\"avatar_url\":\"https://a/b\",\"bio\":\"x\\ny\","
		  "\"locale\":\"en\",\"settings\":{\"a\":1}}",
			"", "nabls" },
		{ "{\"avatar_url\":null,\"bio\":null,\"locale\":null,\"settings\":null}", "",
			"abls" },
		{ "{\"display_name\":null}", "display_name:required", "" },
		{ "{\"display_name\":\" \",\"avatar_url\":\"javascript:0\",\"bio\":\"\\u0007\","
		  "\"locale\":\"\",\"settings\":[]}",
			"display_name:bad_format avatar_url:bad_format bio:bad_format "
			"locale:bad_format settings:bad_type",
			"" },
		{ "{\"bio\":\"\"}", "", "b" },
		{ arena_printf(arena, "{\"bio\":\"%s\"}", repeat(arena, "\xf0\x9f\x98\x80", 500)),
			"", "b" },
		{ arena_printf(arena, "{\"bio\":\"%s\"}", repeat(arena, "b", 501)), "bio:too_long",
			"" },
		{ arena_printf(arena, "{\"settings\":{\"a\":\"%s\"}}", repeat(arena, "s", 16376)),
			"", "s" },
		{ arena_printf(arena, "{\"settings\":{\"a\":\"%s\"}}", repeat(arena, "s", 16377)),
			"settings:too_long", "" },
		{ "[]", ":bad_type", "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct user_change change;
		struct str document = str_of(rows[i].text);
		user_change_read(document_parse(arena, document), document, &faults, &change);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			strcmp(change_letters(&change), rows[i].has) != 0)
			fail_msg("row %zu: %s: %s, %s", i, rows[i].text, faults_line(&faults),
				change_letters(&change));
	}
}

static void test_change_values(void **state)
{
	struct faults faults = { .count = 0 };
	struct user_change change;
	struct str document =
		STR("{\"display_name\":\"N\",\"bio\":null,\"settings\":{ \"a\" : 1 } }");
	user_change_read(document_parse(*state, document), document, &faults, &change);
	assert_true(str_equal(change.display_name, STR("N")));
	assert_null(change.bio.ptr);
	assert_true(str_equal(change.settings, STR("{ \"a\" : 1 }")));
	document = STR("{\"settings\":null}");
	user_change_read(document_parse(*state, document), document, &faults, &change);
	assert_true(str_equal(change.settings, STR("{}")));
}

static void test_login(void **state)
{
	struct arena *arena = *state;
	const struct {
		const char *text;
		const char *faults;
		const char *handle;
		const char *email;
	} rows[] = {
		{ "{\"handle\":\"alice\",\"password\":\"p\"}", "", "alice", NULL },
		{ "{\"email\":\"a@b\",\"password\":\"p\"}", "", NULL, "a@b" },
		{ "{\"handle\":\"a@b\",\"password\":\"p\"}", "", NULL, "a@b" },
		{ "{\"handle\":null,\"email\":\"a@b\",\"password\":\"p\"}", "", NULL, "a@b" },
		{ "{\"email\":\"no address\",\"password\":\"p\"}", "", NULL, "no address" },
		{ "{\"handle\":\"alice\",\"email\":\"a@b\",\"password\":\"p\"}",
			"email:not_allowed", NULL, NULL },
		{ "{}", "password:required handle:required", NULL, NULL },
		{ "{\"handle\":\"\",\"password\":\"\"}", "password:too_short handle:too_short",
			NULL, NULL },
		{ "{\"handle\":1,\"password\":2}", "password:bad_type handle:bad_type", NULL,
			NULL },
		{ "{\"email\":[],\"password\":\"p\"}", "email:bad_type", NULL, NULL },
		{ arena_printf(arena, "{\"handle\":\"%s\",\"password\":\"%s\"}",
			  repeat(arena, "h", 255), repeat(arena, "p", 257)),
			"password:too_long handle:too_long", NULL, NULL },
		{ "[]", ":bad_type", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct login login;
		login_read(document_parse(arena, str_of(rows[i].text)), &faults, &login);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			(login.handle.ptr == NULL) != (rows[i].handle == NULL) ||
			(login.email.ptr == NULL) != (rows[i].email == NULL) ||
			!str_equal(login.handle, str_of(rows[i].handle)) ||
			!str_equal(login.email, str_of(rows[i].email)))
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_password_change(void **state)
{
	struct arena *arena = *state;
	const struct {
		const char *text;
		const char *faults;
	} rows[] = {
		{ "{\"current\":\"p\",\"new\":\"12345678\"}", "" },
		{ "{}", "current:required new:required" },
		{ "{\"current\":\"\",\"new\":\"1234567\"}", "current:too_short new:too_short" },
		{ "{\"current\":1,\"new\":null}", "current:bad_type new:required" },
		{ arena_printf(arena, "{\"current\":\"%s\",\"new\":\"%s\"}",
			  repeat(arena, "c", 257), repeat(arena, "n", 257)),
			"current:too_long new:too_long" },
		{ "[]", ":bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct password_change change;
		password_change_read(document_parse(arena, str_of(rows[i].text)), &faults, &change);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_write(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct user user = { .handle = STR("alice"), .display_name = STR("Alice \"A\"") };
	assert_int_equal(uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &user.id), OK);
	user_write(&buf, &user, false);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data,
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"handle\":\"alice\","
		"\"display_name\":\"Alice \\\"A\\\"\",\"avatar_url\":null,\"bio\":null,"
		"\"created_at\":\"1970-01-01T00:00:00.000000Z\",\"deleted\":false}");

	user.avatar_url = STR("https://a/b");
	user.bio = STR("one\ntwo");
	user.email = STR("a@b");
	user.deleted = true;
	buf_reset(&buf, 0);
	user_write(&buf, &user, true);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data,
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"handle\":\"alice\","
		"\"display_name\":\"Alice \\\"A\\\"\",\"avatar_url\":\"https://a/b\","
		"\"bio\":\"one\\ntwo\",\"created_at\":\"1970-01-01T00:00:00.000000Z\","
		"\"deleted\":true,\"email\":\"a@b\",\"locale\":null,\"settings\":{}}");

	user.settings = STR("{\"sound\": true}");
	user.locale = STR("de");
	buf_reset(&buf, 0);
	user_write(&buf, &user, true);
	buf_add_char(&buf, '\0');
	assert_non_null(strstr(buf.data, ",\"locale\":\"de\",\"settings\":{\"sound\": true}}"));
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new, arena_make, arena_drop),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_emails),
		cmocka_unit_test(test_locales),
		cmocka_unit_test_setup_teardown(test_change, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_change_values, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_login, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_password_change, arena_make, arena_drop),
		cmocka_unit_test(test_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
