/* Public keys of devices: what may be set, and what the database and others are given. */
#include "lib/model/device_key.c"

#include "tests/unit/faults.h"

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="	/* 32 bytes */
#define TYPED "BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"	/* 33 */
#define LONG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" /* 34 */
#define SHORT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="	/* 31 */
#define SIGNATURE                                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define SIGNED "{\"key_id\":1,\"public_key\":\"" KEY "\",\"signature\":\"" SIGNATURE "\"}"
#define BODY(more) "{\"identity_key\":\"" KEY "\",\"signed_prekey\":" SIGNED more "}"
#define LIST(more) BODY(",\"one_time_prekeys\":" more)
#define ONE(id) "{\"key_id\":" #id ",\"public_key\":\"" TYPED "\"}"

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

static void test_faults(void **state)
{
	static const struct {
		const char *text;
		const char *faults;
		const char *one_time;
	} rows[] = {
		{ BODY(""), "", "[]" },
		{ LIST("null"), "", "[]" },
		{ LIST("[]"), "", "[]" },
		{ LIST("[" ONE(0) "," ONE(2147483647) "]"), "",
			"[" ONE(0) "," ONE(2147483647) "]" },
		{ LIST("[{\"x\":0,\"public_key\":\"\\u0042Q"
		       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		       "\"key_id\":7}]"),
			"", "[" ONE(7) "]" },
		{ "[]", ":bad_type", NULL },
		{ "{}", "identity_key:required signed_prekey:required", NULL },
		{ "{\"identity_key\":1,\"signed_prekey\":[]}",
			"identity_key:bad_type signed_prekey:bad_type", NULL },
		{ "{\"identity_key\":\"" SHORT "\",\"signed_prekey\":{}}",
			"identity_key:bad_format signed_prekey.key_id:required "
			"signed_prekey.public_key:required signed_prekey.signature:required",
			NULL },
		{ "{\"identity_key\":\"" LONG
		  "\",\"signed_prekey\":{\"key_id\":-1,\"public_key\":\"x\","
		  "\"signature\":\"" KEY "\"}}",
			"identity_key:bad_format signed_prekey.key_id:out_of_range "
			"signed_prekey.public_key:bad_format signed_prekey.signature:bad_format",
			NULL },
		{ LIST("{}"), "one_time_prekeys:bad_type", NULL },
		{ LIST("[1]"), "one_time_prekeys[0]:bad_type", NULL },
		{ LIST("[" ONE(1) ",null]"), "one_time_prekeys[1]:bad_type", NULL },
		{ LIST("[{},{\"key_id\":1.0,\"public_key\":\"\"}]"),
			"one_time_prekeys[0].key_id:required "
			"one_time_prekeys[0].public_key:required "
			"one_time_prekeys[1].key_id:bad_type "
			"one_time_prekeys[1].public_key:bad_format",
			NULL },
		{ LIST("[" ONE(2147483648) "]"), "one_time_prekeys[0].key_id:out_of_range", NULL },
		{ LIST("[" ONE(1) "," ONE(2) "," ONE(1) "]"),
			"one_time_prekeys[2].key_id:duplicate", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct device_key_new new;
		device_key_new_read(
			*state, document_parse(*state, str_of(rows[i].text)), &faults, &new);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			(faults.count == 0 &&
				!str_equal(new.one_time_prekeys, str_of(rows[i].one_time))))
			fail_msg("row %zu: %s: %s %.*s", i, rows[i].text, faults_line(&faults),
				(int)new.one_time_prekeys.len, new.one_time_prekeys.ptr);
	}
}

/* As many as may be, and one more; each of them bad. */
static void test_many(void **state)
{
	for (int count = PREKEYS_AT_ONCE_MAX; count <= PREKEYS_AT_ONCE_MAX + 1; count++) {
		for (int bad = 0; bad < 2; bad++) {
			struct faults faults = { .count = 0 };
			struct device_key_new new;
			struct buf text = { 0 };
			buf_add_string(&text,
				"{\"identity_key\":\"" KEY "\",\"signed_prekey\":" SIGNED
				",\"one_time_prekeys\":[");
			for (int i = 0; i < count; i++)
				buf_printf(&text, "%s{\"key_id\":%d,\"public_key\":\"%s\"}",
					i ? "," : "", i, bad ? "" : KEY);
			buf_add_string(&text, "]}");
			struct str document = { text.data, text.len };
			device_key_new_read(
				*state, document_parse(*state, document), &faults, &new);
			if (count > PREKEYS_AT_ONCE_MAX)
				assert_string_equal(
					faults_line(&faults), "one_time_prekeys:too_long");
			else
				assert_int_equal(faults.count, bad ? FAULTS_MAX : 0);
			buf_free(&text);
		}
	}
}

static void test_write(void **state)
{
	struct device_key key = { .identity_key = STR(KEY),
		.signed_prekey = { 1, STR(KEY), STR(SIGNATURE) },
		.one_time_left = 3 };
	struct buf buf = { 0 };
	(void)state;
	memset(key.device_id.bytes, 0x11, sizeof(key.device_id.bytes));
#define HEAD                                                                                       \
	"{\"device_id\":\"11111111-1111-1111-1111-111111111111\",\"identity_key\":\"" KEY          \
	"\",\"signed_prekey\":" SIGNED
	static const char expected[] =
		HEAD ",\"one_time_prekey\":null}\n" HEAD ",\"one_time_prekey\":" ONE(
			5) "}\n" HEAD ",\"one_time_prekeys\":3}\n{\"one_time_prekeys\":0}\n";
	device_key_write(&buf, &key);
	buf_add_char(&buf, '\n');
	key.one_time_prekey = (struct prekey){ .key_id = 5, .public_key = STR(TYPED) };
	device_key_write(&buf, &key);
	buf_add_char(&buf, '\n');
	device_key_write_own(&buf, &key);
	buf_add_char(&buf, '\n');
	device_key_write_left(&buf, 0);
	buf_add_char(&buf, '\n');
	assert_int_equal(buf.len, strlen(expected));
	assert_memory_equal(buf.data, expected, buf.len);
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_faults, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_many, arena_make, arena_drop),
		cmocka_unit_test(test_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
