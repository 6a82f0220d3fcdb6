/* Messages: what may be sent, what counts as the same content, and the one spelling out. */
#include "lib/model/message.c"

#include "tests/unit/faults.h"

#define V4 "7d444840-9dc0-41d1-b245-5ffdce74fad2"
#define V7 "01890a5d-ac96-774b-bcce-b302099a8057"

static const struct message_limits limits = {
	.body_max_bytes = 8,
	.ciphertext_max_bytes = 6,
	.metadata_max_bytes = 16,
};

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

static struct message_new read_new(struct arena *arena, const char *text, struct faults *faults)
{
	struct message_new message;
	struct str document = str_of(text);
	faults->count = 0;
	message_new_read(
		arena, document_parse(arena, document), document, &limits, faults, &message);
	return message;
}

static void test_faults(void **state)
{
	static const struct {
		const char *text;
		const char *faults;
	} rows[] = {
		{ "{\"body\":\"x\"}", "" },
		{ "{\"body\":\"12345678\"}", "" },
		{ "{\"body\":\"123456789\"}", "body:too_long" },
		{ "{\"body\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x\"}", "body:too_long" },
		{ "{\"body\":\"\\u0001\\n\"}", "" },
		{ "{\"body\":1}", "body:bad_type" },
		{ "{}", "body:required" },
		{ "{\"body\":\"\"}", "body:required" },
		{ "{\"body\":null}", "body:required" },
		{ "{\"body\":\"\",\"ciphertext\":\"\"}", "body:required" },
		{ "{\"metadata\":{\"a\":1}}", "body:required" },
		{ "{\"attachments\":[]}", "body:required" },
		{ "[]", ":bad_type" },
		{ "null", ":bad_type" },

		{ "{\"body\":\"x\",\"id\":\"" V4 "\"}", "" },
		{ "{\"body\":\"x\",\"id\":\"" V7 "\"}", "" },
		{ "{\"body\":\"x\",\"id\":null}", "" },
		{ "{\"body\":\"x\",\"id\":7}", "id:bad_type" },
		{ "{\"body\":\"x\",\"id\":\"7\"}", "id:bad_format" },
		{ "{\"body\":\"x\",\"id\":\"00000000-0000-0000-0000-000000000000\"}",
			"id:bad_format" },
		{ "{\"body\":\"x\",\"id\":\"ffffffff-ffff-ffff-ffff-ffffffffffff\"}",
			"id:bad_format" },
		{ "{\"body\":\"x\",\"id\":\"7d444840-9dc0-11d1-b245-5ffdce74fad2\"}",
			"id:bad_format" },
		{ "{\"body\":\"x\",\"id\":\"7d444840-9dc0-41d1-c245-5ffdce74fad2\"}",
			"id:bad_format" },
		{ "{\"body\":\"x\",\"id\":\"7d444840-9dc0-41d1-7245-5ffdce74fad2\"}",
			"id:bad_format" },

		{ "{\"body\":\"x\",\"type\":\"text\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"image\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"file\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"audio\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"video\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"location\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"x-a\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"x-9._-z\"}", "" },
		{ "{\"body\":\"x\",\"type\":\"x-12345678901234567890123456789012345678901234567890"
		  "123456789012\"}",
			"" },
		{ "{\"body\":\"x\",\"type\":\"x-12345678901234567890123456789012345678901234567890"
		  "1234567890123\"}",
			"type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"x-\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"x-A\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"x-a b\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"x_a\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"Text\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"system\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":\"\"}", "type:bad_format" },
		{ "{\"body\":\"x\",\"type\":null}", "" },
		{ "{\"body\":\"x\",\"type\":1}", "type:bad_type" },

		{ "{\"ciphertext\":\"AAAA\"}", "" },
		{ "{\"type\":\"encrypted\",\"ciphertext\":\"AAAA\"}", "" },
		{ "{\"type\":\"encrypted\",\"ciphertext\":\"AAAA\",\"body\":\"x\"}", "" },
		{ "{\"type\":\"encrypted\",\"body\":\"x\"}", "ciphertext:required" },
		{ "{\"type\":\"encrypted\"}", "ciphertext:required" },
		{ "{\"ciphertext\":\"AAAAAAAA\"}", "" },
		{ "{\"ciphertext\":\"AAAAAAAAAA==\"}", "ciphertext:too_long" },
		{ "{\"ciphertext\":\"AAA\"}", "ciphertext:bad_format" },
		{ "{\"ciphertext\":\"AA==\"}", "" },
		{ "{\"ciphertext\":\"AB==\"}", "ciphertext:bad_format" },
		{ "{\"ciphertext\":\"AA-_\"}", "ciphertext:bad_format" },
		{ "{\"ciphertext\":\"AAAA\\n\"}", "ciphertext:bad_format" },
		{ "{\"ciphertext\":[]}", "ciphertext:bad_type" },

		{ "{\"body\":\"x\",\"metadata\":{}}", "" },
		{ "{\"body\":\"x\",\"metadata\":null}", "" },
		{ "{\"body\":\"x\",\"metadata\":{\"a\":\"12345678\"}}", "" },
		{ "{\"body\":\"x\",\"metadata\":{\"a\":\"123456789\"}}", "metadata:too_long" },
		{ "{\"body\":\"x\",\"metadata\":{ \"a\":\"12345678\"}}", "metadata:too_long" },
		{ "{\"body\":\"x\",\"metadata\":[]}", "metadata:bad_type" },
		{ "{\"body\":\"x\",\"metadata\":\"{}\"}", "metadata:bad_type" },

		{ "{\"body\":\"x\",\"reply_to\":\"" V7 "\"}", "" },
		{ "{\"body\":\"x\",\"reply_to\":\"x\"}", "reply_to:bad_format" },
		{ "{\"body\":\"x\",\"reply_to\":\"00000000-0000-0000-0000-000000000000\"}",
			"reply_to:unknown" },

		{ "{\"body\":\"x\",\"attachments\":[]}", "" },
		{ "{\"body\":\"x\",\"attachments\":{}}", "attachments:bad_type" },
		{ "{\"attachments\":[\"" V7 "\",\"x\",1,null]}",
			"attachments[1]:bad_format attachments[2]:bad_type "
			"attachments[3]:bad_type" },
		{ "{\"attachments\":[\"" V7 "\"]}", "" },
		{ "{\"attachments\":[\"" V7 "\",\"" V4 "\",\"" V7 "\"]}",
			"attachments[2]:duplicate" },
		{ "{\"body\":\"x\",\"attachments\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,"
		  "4,5,6,"
		  "7,8,9,0,1,2,3]}",
			"attachments:too_long" },

		{ "{\"id\":1,\"type\":1,\"body\":1,\"ciphertext\":1,\"metadata\":1,\"reply_to\":1}",
			"id:bad_type type:bad_type body:bad_type ciphertext:bad_type "
			"metadata:bad_type "
			"reply_to:bad_type" },
		{ "{\"body\":\"x\",\"conversation_id\":5,\"seq\":\"x\"}", "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults;
		read_new(*state, rows[i].text, &faults);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_values(void **state)
{
	struct faults faults;
	char id[UUID_TEXT_LEN + 1];
	struct message_new message = read_new(*state,
		"{\"id\":\"" V4 "\",\"type\":\"x-poll\",\"body\":\"a\\nb\",\"ciphertext\":\"AAAA\","
		"\"metadata\": {\"a\": 1.0} ,\"reply_to\":\"" V7 "\"}",
		&faults);
	assert_int_equal(faults.count, 0);
	uuid_format(&message.id, id);
	assert_string_equal(id, V4);
	uuid_format(&message.reply_to, id);
	assert_string_equal(id, V7);
	assert_true(str_equal(message.type, STR("x-poll")));
	assert_true(str_equal(message.body, STR("a\nb")));
	assert_true(str_equal(message.ciphertext, STR("AAAA")));
	assert_true(str_equal(message.metadata, STR("{\"a\": 1.0}")));

	message = read_new(*state, "{\"body\":\"\",\"ciphertext\":\"AAAA\"}", &faults);
	assert_int_equal(faults.count, 0);
	assert_true(uuid_is_nil(&message.id));
	assert_true(uuid_is_nil(&message.reply_to));
	assert_true(str_equal(message.type, STR("text")));
	assert_null(message.body.ptr);
	assert_null(message.metadata.ptr);
}

static void test_digest(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} rows[] = {
		{ "{\"body\":\"x\"}", "{\"body\":\"x\"}", true },
		{ "{\"body\":\"x\"}", " { \"body\" : \"\\u0078\" } ", true },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"type\":\"text\"}", true },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"type\":null,\"metadata\":{ }}", true },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"attachments\":[],\"more\":1}", true },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"ciphertext\":\"\"}", true },
		{ "{\"body\":\"x\",\"id\":\"" V4 "\"}", "{\"body\":\"x\",\"id\":\"" V7 "\"}",
			true },
		{ "{\"body\":\"x\",\"metadata\":{\"a\":1,\"b\":2}}",
			"{\"body\":\"x\",\"metadata\":{\"b\":2,\"a\":1.0}}", true },
		{ "{\"body\":\"x\",\"reply_to\":\"" V7 "\"}",
			"{\"body\":\"x\",\"reply_to\":\"01890A5D-AC96-774B-BCCE-B302099A8057\"}",
			true },
		{ "{\"body\":\"x\"}", "{\"body\":\"y\"}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x \"}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"type\":\"image\"}", false },
		{ "{\"body\":\"AAAA\"}", "{\"ciphertext\":\"AAAA\"}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"ciphertext\":\"AAAA\"}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"metadata\":{\"a\":1}}", false },
		{ "{\"body\":\"x\",\"metadata\":{\"a\":1}}",
			"{\"body\":\"x\",\"metadata\":{\"a\":2}}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"reply_to\":\"" V7 "\"}", false },
		{ "{\"body\":\"x\",\"reply_to\":\"" V4 "\"}",
			"{\"body\":\"x\",\"reply_to\":\"" V7 "\"}", false },
		{ "{\"body\":\"x\"}", "{\"body\":\"x\",\"attachments\":[\"" V7 "\"]}", false },
		{ "{\"attachments\":[\"" V4 "\",\"" V7 "\"]}",
			"{\"attachments\":[\"" V7 "\",\"" V4 "\"]}", false },
		{ "{\"attachments\":[\"" V7 "\"]}", "{\"attachments\":[\"" V7 "\"],\"body\":\"\"}",
			true },
		{ "{\"body\":\"t\",\"type\":\"x-ab\"}", "{\"body\":\"bt\",\"type\":\"x-a\"}",
			false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults;
		struct message_new a = read_new(*state, rows[i].a, &faults);
		assert_int_equal(faults.count, 0);
		struct message_new b = read_new(*state, rows[i].b, &faults);
		assert_int_equal(faults.count, 0);
		if ((memcmp(a.digest, b.digest, sizeof(a.digest)) == 0) != rows[i].equal)
			fail_msg("row %zu: %s | %s", i, rows[i].a, rows[i].b);
	}
}

/* Digests are kept with messages for ever: this one may never change. */
static void test_digest_stays(void **state)
{
	static const char expected[] = "9679cb49fb8dad9acc45e0d505b0879d";
	struct faults faults;
	struct message_new message = read_new(*state,
		"{\"body\":\"Hello!\",\"metadata\":{\"b\":1,\"a\":0.5},\"reply_to\":\"" V7 "\"}",
		&faults);
	char hex[2 * MESSAGE_DIGEST_BYTES + 1];
	assert_int_equal(faults.count, 0);
	sodium_bin2hex(hex, sizeof(hex), message.digest, sizeof(message.digest));
	assert_string_equal(hex, expected);
}

static struct message sample(void)
{
	struct message message = {
		.seq = 42,
		.rev = 58,
		.type = STR("text"),
		.body = STR("Hello!"),
		.created_at_us = INT64_C(1795262400123456),
		.edited_at_us = TIME_NONE,
		.deleted_at_us = TIME_NONE,
		.status = MESSAGE_DELIVERED,
	};
	assert_int_equal(uuid_parse(STR(V7), &message.id), OK);
	assert_int_equal(uuid_parse(STR(V4), &message.conversation_id), OK);
	return message;
}

#define HEAD "{\"id\":\"" V7 "\",\"conversation_id\":\"" V4 "\",\"seq\":42,\"rev\":58,"

static void expect(const struct message *message, const char *expected)
{
	struct buf buf = { 0 };
	message_write(&buf, message);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data, expected);
	buf_free(&buf);
}

static void test_write(void **state)
{
	(void)state;
	struct message message = sample();
	expect(&message,
		HEAD "\"sender_id\":null,\"type\":\"text\",\"body\":\"Hello!\",\"ciphertext\":null,"
		     "\"metadata\":{},\"reply_to\":null,\"quoted\":null,\"attachments\":[],"
		     "\"reactions\":[],"
		     "\"created_at\":\"2026-11-21T12:00:00.123456Z\",\"edited_at\":null,"
		     "\"deleted_at\":null,\"status\":\"delivered\"}");

	message.sender_id = message.conversation_id;
	message.reply_to = message.id;
	message.ciphertext = STR("AAAA");
	message.body = (struct str){ NULL, 0 };
	message.metadata = STR("{\"a\": 1}");
	message.edited_at_us = 0;
	message.status = MESSAGE_READ;
	assert_int_equal(message_extra_read(STR("{\"quoted\" : {\"seq\":1}, \"attachments\" : [{}],"
						" \"reactions\" : \"👍 12 🎉 1\", \"mine\" : \"🎉\"}"),
				 &message),
		OK);
	expect(&message,
		HEAD "\"sender_id\":\"" V4 "\",\"type\":\"text\",\"body\":null,"
		     "\"ciphertext\":\"AAAA\",\"metadata\":{\"a\": 1},\"reply_to\":\"" V7 "\","
		     "\"quoted\":{\"seq\":1},\"attachments\":[{}],"
		     "\"reactions\":[{\"emoji\":\"👍\",\"count\":12,\"mine\":false},"
		     "{\"emoji\":\"🎉\",\"count\":1,\"mine\":true}],"
		     "\"created_at\":\"2026-11-21T12:00:00.123456Z\","
		     "\"edited_at\":\"1970-01-01T00:00:00.000000Z\",\"deleted_at\":null,"
		     "\"status\":\"read\"}");
}

static void test_extra(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
		{ "{}", OK },
		{ "{\"quoted\":null,\"attachments\":null,\"reactions\":null,\"mine\":null}", OK },
		{ "{\"quoted\":[]}", ERR_INVALID_INPUT },
		{ "{\"attachments\":{}}", ERR_INVALID_INPUT },
		{ "{\"reactions\":7}", ERR_INVALID_INPUT },
		{ "{\"reactions\":\"\\u0022 1\"}", ERR_INVALID_INPUT },
		{ "{\"mine\":[]}", ERR_INVALID_INPUT },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = sample();
		if (message_extra_read(str_of(rows[i].text), &message) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

/* Whatever the row still has, a tombstone shows none of it. */
static void test_write_deleted(void **state)
{
	(void)state;
	struct message message = sample();
	message.ciphertext = STR("AAAA");
	message.metadata = STR("{\"a\": 1}");
	message.quoted = STR("{}");
	message.attachments = STR("[{}]");
	message.reactions = STR("👍 12");
	message.deleted_at_us = 1;
	message.status = MESSAGE_SENT;
	expect(&message,
		HEAD "\"sender_id\":null,\"type\":\"text\",\"body\":null,\"ciphertext\":null,"
		     "\"metadata\":{},\"reply_to\":null,\"quoted\":null,\"attachments\":[],"
		     "\"reactions\":[],"
		     "\"created_at\":\"2026-11-21T12:00:00.123456Z\",\"edited_at\":null,"
		     "\"deleted_at\":\"1970-01-01T00:00:00.000001Z\",\"status\":\"sent\"}");
}

static const char *or_dash(struct arena *arena, struct str text)
{
	return text.ptr != NULL ? arena_strndup(arena, text.ptr, text.len) : "-";
}

/* What a change makes of a message: "body ciphertext metadata", NULL where it changes nothing. */
static void test_change(void **state)
{
#define TEXT .type = STR("text"), .body = STR("a")
#define ENCRYPTED .type = STR("encrypted"), .body = STR("a"), .ciphertext = STR("AAAA")
	static const struct {
		struct message message;
		const char *change;
		const char *faults;
		const char *after;
	} rows[] = {
		{ { TEXT }, "{\"body\":\"b\"}", "", "b - -" },
		{ { TEXT }, "{\"body\":\"a\"}", "", NULL },
		{ { TEXT }, "{\"body\":\"123456789\"}", "body:too_long", NULL },
		{ { TEXT }, "{}", "body:required", NULL },
		{ { TEXT }, "[]", ":bad_type", NULL },
		{ { TEXT }, "{\"type\":\"image\"}", "body:required", NULL },
		{ { TEXT }, "{\"body\":null}", "body:required", NULL },
		{ { TEXT }, "{\"body\":\"\"}", "body:required", NULL },
		{ { TEXT, .attachments = STR("[{}]") }, "{\"body\":null}", "", "- - -" },
		{ { TEXT, .ciphertext = STR("AAAA") }, "{\"body\":null}", "", "- AAAA -" },
		{ { TEXT, .ciphertext = STR("AAAA") }, "{\"ciphertext\":null}", "", "a - -" },
		{ { TEXT }, "{\"ciphertext\":\"AAAA\",\"body\":null}", "", "- AAAA -" },
		{ { ENCRYPTED }, "{\"ciphertext\":null}", "ciphertext:required", NULL },
		{ { ENCRYPTED }, "{\"body\":null}", "", "- AAAA -" },
		{ { TEXT, .metadata = STR("{\"n\":1,\"m\":2}") },
			"{\"metadata\":{\"m\":2.0,\"n\":1}}", "", NULL },
		{ { TEXT, .metadata = STR("{\"n\":1}") }, "{\"metadata\":{\"n\":2}}", "",
			"a - {\"n\":2}" },
		{ { TEXT, .metadata = STR("{\"n\":1}") }, "{\"metadata\":null}", "", "a - -" },
		{ { TEXT, .metadata = STR("{\"n\":1}") }, "{\"metadata\":{}}", "", "a - {}" },
		{ { TEXT }, "{\"metadata\":{}}", "", NULL },
		{ { TEXT, .metadata = STR("{ }") }, "{\"metadata\":null}", "", NULL },
	};
#undef TEXT
#undef ENCRYPTED
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { 0 };
		struct message_change change;
		struct str document = str_of(rows[i].change);
		struct message message = rows[i].message;
		message_change_read(
			document_parse(*state, document), document, &limits, &faults, &change);
		bool changes = faults.count == 0 &&
			       message_change_apply(*state, &change, &faults, &message);
		assert_string_equal(faults_line(&faults), rows[i].faults);
		if (changes != (rows[i].after != NULL))
			fail_msg("row %zu: %s", i, rows[i].change);
		const char *after = arena_printf(*state, "%s %s %s", or_dash(*state, message.body),
			or_dash(*state, message.ciphertext), or_dash(*state, message.metadata));
		if (changes)
			assert_string_equal(after, rows[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_faults, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_values, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_digest, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_digest_stays, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_change, arena_make, arena_drop),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_write_deleted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
