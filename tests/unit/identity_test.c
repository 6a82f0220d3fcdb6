/* What identity providers tell of people, in claims and by webhook: what fits is taken, what does not is left out. */
#include "lib/model/identity.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

static struct arena *arena;
static struct conf conf;
static const struct uuid session = { { 7 } };

static int set_up(void **state)
{
	(void)state;
	setenv("PARLEY_IDP_ISSUER", "https://a https://b", 1);
	setenv("PARLEY_IDP_AUDIENCE", "parley web", 1);
	setenv("PARLEY_IDP_JWKS_URL", "https://a/jwks https://b/jwks", 1);
	arena = arena_new();
	return sodium_init() < 0 || conf_load(NULL, &conf) != OK ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	conf_free(&conf);
	return 0;
}

#define HEAD "{\"iss\":\"https://a\",\"sub\":\"s|1\",\"exp\":1800000000.5"
#define X10 "xxxxxxxxxx"
#define AE10 "\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4\\u00e4"
#define AE10_UTF8 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"

static const struct {
	const char *claims;
	const char *handle, *name, *email, *avatar;
} rows[] = {
	{ HEAD "}", NULL, NULL, NULL, NULL },
	{ HEAD ",\"preferred_username\":\"alice\",\"name\":\"Alice "
	       "A.\",\"email\":\"alice@example.com\","
	       "\"email_verified\":true,\"picture\":\"https:\\/\\/example.com\\/a.png\"}",
		"alice", "Alice A.", "alice@example.com", "https://example.com/a.png" },
	{ HEAD ",\"username\":\"bob\",\"image_url\":\"http://example.com/b\"}", "bob", NULL, NULL,
		"http://example.com/b" },
	/* the first that can be one */
	{ HEAD ",\"preferred_username\":\"bob@example.com\",\"nickname\":\"bob\"}", "bob", NULL,
		NULL, NULL },
	{ HEAD ",\"preferred_username\":7,\"username\":\"\",\"nickname\":\"b o b\"}", NULL, NULL,
		NULL, NULL },
	{ HEAD ",\"preferred_username\":\"" X10 X10 X10 "xx\"}", X10 X10 X10 "xx", NULL, NULL,
		NULL },
	{ HEAD ",\"preferred_username\":\"" X10 X10 X10 "xxx\",\"username\":\"ab\"}", NULL, NULL,
		NULL, NULL },
	{ HEAD ",\"picture\":\"javascript:alert(1)\",\"image_url\":\"https://example.com\"}", NULL,
		NULL, NULL, "https://example.com" },
	/* names are cut, and what deceives in them is left out */
	{ HEAD ",\"name\":\"  \\u202eAlice\\u0007\\n  \"}", NULL, "Alice", NULL, NULL },
	{ HEAD ",\"name\":\"\\u200b \\u2060\"}", NULL, NULL, NULL, NULL },
	{ HEAD ",\"name\":\"" AE10 AE10 AE10 AE10 AE10 AE10 "abcdef\"}", NULL,
		AE10_UTF8 AE10_UTF8 AE10_UTF8 AE10_UTF8 AE10_UTF8 AE10_UTF8 "abcd", NULL, NULL },
	{ HEAD ",\"name\":[\"Alice\"]}", NULL, NULL, NULL, NULL },
	/* addresses */
	{ HEAD ",\"email\":\"alice@example.com\"}", NULL, NULL, "alice@example.com", NULL },
	{ HEAD ",\"email\":\"alice@example.com\",\"email_verified\":\"true\"}", NULL, NULL,
		"alice@example.com", NULL },
	{ HEAD ",\"email\":\"alice@example.com\",\"email_verified\":false}", NULL, NULL, NULL,
		NULL },
	{ HEAD ",\"email\":\"alice@example.com\",\"email_verified\":\"false\"}", NULL, NULL, NULL,
		NULL },
	{ HEAD ",\"email\":\"alice\"}", NULL, NULL, NULL, NULL },
	{ HEAD ",\"email\":\"a@b, c@d\"}", NULL, NULL, NULL, NULL },
};

static void same(size_t row, struct str got, const char *wanted)
{
	if (!str_equal(got, str_of(wanted)) || !got.ptr != !wanted)
		fail_msg("row %zu: \"%.*s\" instead of \"%s\"", row, (int)got.len, got.ptr,
			wanted ? wanted : "(none)");
}

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct identity identity;
		struct uuid user;
		assert_int_equal(identity_claims_read(
					 arena, &conf, str_of(rows[i].claims), &session, &identity),
			OK);
		same(i, identity.handle, rows[i].handle);
		same(i, identity.display_name, rows[i].name);
		same(i, identity.email, rows[i].email);
		same(i, identity.avatar_url, rows[i].avatar);
		same(i, identity.issuer, "https://a");
		same(i, identity.subject, "s|1");
		identity_user_id(STR("https://a"), STR("s|1"), &user);
		assert_true(uuid_equal(&identity.user_id, &user));
		assert_true(uuid_equal(&identity.session_id, &session));
		assert_true(uuid_equal(&identity.device_id, &user));
		assert_int_equal(identity.expires_at_us, INT64_C(1800000000000000));
	}
	arena_reset(arena);
}

static void test_devices(void **state)
{
	struct identity identity;
	(void)state;
	assert_int_equal(identity_claims_read(
				 arena, &conf, STR(HEAD ",\"sid\":\"x\"}"), &session, &identity),
		OK);
	assert_true(uuid_equal(&identity.device_id, &session));
	assert_int_equal(
		identity_claims_read(arena, &conf, STR(HEAD ",\"sid\":\"\"}"), &session, &identity),
		OK);
	assert_true(uuid_equal(&identity.device_id, &identity.user_id));
}

static void test_bad_claims(void **state)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"iss\":\"a\",\"sub\":\"b\"}",
		"{\"iss\":\"a\",\"exp\":1}", "{\"sub\":\"a\",\"exp\":1}", HEAD ",\"exp\":1}",
		"{\"iss\":\"a\",\"sub\":\"\",\"exp\":1}",
		"{\"iss\":\"a\",\"sub\":\"b\",\"exp\":\"1\"}" };
	struct identity identity;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			identity_claims_read(arena, &conf, str_of(bad[i]), &session, &identity),
			ERR_INVALID_INPUT);
}

#define DATA(more) "{\"type\":\"user.created\",\"data\":{\"id\":\"user_1\"" more "}}"
#define ADDRESSES                                                                                  \
	",\"email_addresses\":[{\"id\":\"idn_1\",\"email_address\":\"old@example.com\","           \
	"\"verification\":{\"status\":\"verified\"}},{\"id\":\"idn_2\","                           \
	"\"email_address\":\"new@example.com\",\"verification\":{\"status\":\"unverified\"}},"     \
	"{\"id\":\"idn_3\",\"email_address\":\"third@example.com\",\"verification\":null}],"       \
	"\"primary_email_address_id\":"

static const struct {
	const char *body;
	enum identity_event_kind kind;
	const char *fault;
	const char *handle, *name, *email;
} events[] = {
	{ DATA(""), IDENTITY_CREATED, NULL, NULL, NULL, NULL },
	{ DATA(",\"username\":\"alice\",\"first_name\":\"Alice\",\"last_name\":\"A.\"" ADDRESSES
	       "\"idn_1\""),
		IDENTITY_CREATED, NULL, "alice", "Alice A.", "old@example.com" },
	{ DATA(",\"username\":\"alice\",\"first_name\":null,\"last_name\":null" ADDRESSES
	       "\"idn_2\""),
		IDENTITY_CREATED, NULL, "alice", "alice", NULL },
	{ DATA(",\"username\":null,\"first_name\":\"Alice\",\"last_name\":null" ADDRESSES
	       "\"idn_3\""),
		IDENTITY_CREATED, NULL, NULL, "Alice", "third@example.com" },
	{ DATA(ADDRESSES "null"), IDENTITY_CREATED, NULL, NULL, NULL, NULL },
	{ DATA(ADDRESSES "\"idn_4\""), IDENTITY_CREATED, NULL, NULL, NULL, NULL },
	{ DATA(",\"email_addresses\":7,\"primary_email_address_id\":\"x\""), IDENTITY_CREATED, NULL,
		NULL, NULL, NULL },
	{ "{\"type\":\"user.updated\",\"data\":{\"id\":\"user_1\"}}", IDENTITY_UPDATED, NULL, NULL,
		NULL, NULL },
	{ "{\"type\":\"user.deleted\",\"data\":{\"id\":\"user_1\",\"deleted\":true}}",
		IDENTITY_DELETED, NULL, NULL, NULL, NULL },
	{ "{\"type\":\"session.created\"}", IDENTITY_OTHER, NULL, NULL, NULL, NULL },
	{ "{\"type\":\"user.created\"}", IDENTITY_OTHER, "data", NULL, NULL, NULL },
	{ "{\"type\":\"user.created\",\"data\":[]}", IDENTITY_OTHER, "data", NULL, NULL, NULL },
	{ "{\"type\":\"user.created\",\"data\":{}}", IDENTITY_OTHER, "data.id", NULL, NULL, NULL },
	{ "{\"type\":\"user.created\",\"data\":{\"id\":\"\"}}", IDENTITY_OTHER, "data.id", NULL,
		NULL, NULL },
	{ "{\"type\":\"user.created\",\"data\":{\"id\":7}}", IDENTITY_OTHER, "data.id", NULL, NULL,
		NULL },
	{ "{\"data\":{\"id\":\"user_1\"}}", IDENTITY_OTHER, "type", NULL, NULL, NULL },
	{ "{\"type\":7}", IDENTITY_OTHER, "type", NULL, NULL, NULL },
};

static void event_read(const char *body, struct faults *faults, struct identity_event *event)
{
	char why[JSON_WHY_BYTES];
	const struct json *json;
	assert_int_equal(json_parse(arena, str_of(body), JSON_DEPTH_MAX, why, &json), OK);
	identity_event_read(arena, json, STR("https://a"), 1800000000, faults, event);
}

static void test_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct faults faults = { .count = 0 };
		struct identity_event event;
		event_read(events[i].body, &faults, &event);
		if (event.kind != events[i].kind)
			fail_msg("row %zu: kind %d", i, event.kind);
		assert_int_equal(faults.count, events[i].fault ? 1 : 0);
		if (events[i].fault)
			assert_string_equal(faults.items[0].field, events[i].fault);
		if (event.kind == IDENTITY_OTHER)
			continue;
		same(i, event.identity.subject, "user_1");
		same(i, event.identity.handle, events[i].handle);
		same(i, event.identity.display_name, events[i].name);
		same(i, event.identity.email, events[i].email);
		assert_int_equal(event.told_at_us, INT64_C(1800000000000000));
	}
	arena_reset(arena);
}

static void test_event_time(void **state)
{
	struct faults faults = { .count = 0 };
	struct identity_event event;
	(void)state;
	event_read(DATA(",\"updated_at\":1654012591835"), &faults, &event);
	assert_int_equal(event.told_at_us, INT64_C(1654012591835000));
	event_read(DATA(",\"updated_at\":\"2022\""), &faults, &event);
	assert_int_equal(event.told_at_us, INT64_C(1800000000000000));
	assert_int_equal(faults.count, 0);
	arena_reset(arena);
}

static void test_document(void **state)
{
	struct buf buf = { 0 };
	struct idp *idp;
	(void)state;
	const struct identity_key keys[] = {
		{ STR("https://a"), STR("1"), STR("{\"kid\":\"1\"}") },
		{ STR("https://b"), STR("1"), STR("{\"kid\":\"1\"}") },
		{ STR("https://b"), STR("2"), STR("{\"kid\":\"2\"}") },
		{ STR("https://gone"), STR("1"), STR("{\"kid\":\"3\"}") },
	};
	identity_document_write(&buf, &conf, keys, 4);
	assert_true(str_equal((struct str){ buf.data, buf.len },
		STR("{\"issuers\":[{\"issuer\":\"https://a\",\"audience\":[\"parley\"],\"keys\":["
		    "{\"kid\":\"1\"}]},{\"issuer\":\"https://b\",\"audience\":[\"web\"],\"keys\":["
		    "{\"kid\":\"1\"},{\"kid\":\"2\"}]}]}")));
	assert_int_equal(idp_read((struct str){ buf.data, buf.len }, &idp), OK);
	idp_free(idp);
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_bad_claims),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_event_time),
		cmocka_unit_test(test_document),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
