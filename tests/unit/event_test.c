/* Events: a record of the WAL in, the clients' payload out. */
#include "lib/model/event.c"

#include <string.h>

#include "tests/unit/faults.h"

#define EVENT "00000000-0000-7000-8000-00000000000e"
#define ROOM "00000000-0000-7000-8000-00000000000c"
#define MESSAGE "00000000-0000-4000-8000-00000000000a"
#define ALICE "00000000-0000-4000-8000-000000000001"
#define BOB "00000000-0000-4000-8000-000000000002"

#define HEAD(type, rev)                                                                            \
	"{\"type\" : \"" type "\", \"event_id\" : \"" EVENT "\", "                                 \
	"\"at\" : \"2026-11-21T12:00:00.123456+00:00\", \"conversation_id\" : \"" ROOM "\", "      \
	"\"rev\" : " rev ", \"to\" : [\"" ALICE "\", \"" BOB "\"], \"data\" : "

#define MESSAGE_RECORD                                                                             \
	HEAD("message.created", "58")                                                              \
	"{\"id\" : \"" MESSAGE "\", \"conversation_id\" : \"" ROOM "\", \"seq\" : 42, \"rev\" : "  \
	"58, \"sender_id\" : \"" ALICE "\", \"type\" : \"text\", \"body\" : \"Hello \\\"B\\\"\", " \
	"\"ciphertext\" : null, \"metadata\" : \"{\\\"a\\\": [1]}\", \"reply_to\" : null, "        \
	"\"created_at\" : \"2026-11-21T12:00:00+00:00\", \"edited_at\" : null, "                   \
	"\"deleted_at\" : null}}"

/* Alice has reacted, and Bob has not. */
#define REACTED_RECORD                                                                             \
	"{\"type\" : \"message.updated\", \"event_id\" : \"" EVENT "\", "                          \
	"\"at\" : \"2026-11-21T12:00:00.123456+00:00\", \"conversation_id\" : \"" ROOM "\", "      \
	"\"rev\" : 59, \"to\" : [\"" BOB "\"], "                                                   \
	"\"reactors\" : [{\"emojis\" : \"👍 🎉\", \"to\" : [\"" ALICE "\"]}], \"data\" : "           \
	"{\"id\" : \"" MESSAGE "\", \"conversation_id\" : \"" ROOM "\", \"seq\" : 42, \"rev\" : "  \
	"59, \"sender_id\" : \"" ALICE "\", \"type\" : \"text\", \"body\" : \"x\", "               \
	"\"created_at\" : \"2026-11-21T12:00:00+00:00\", "                                         \
	"\"extra\" : \"{\\\"reactions\\\" : \\\"👍 2 ❤️ 1\\\"}\", \"status\" : 2}}"

#define RECEIPT_RECORD                                                                             \
	HEAD("receipt.read", "null")                                                               \
	"{\"user_id\" : \"" BOB "\", \"seq\" : 42}}"

#define CONVERSATION_RECORD                                                                        \
	HEAD("conversation.created", "1")                                                          \
	"{\"id\" : \"" ROOM "\", \"kind\" : \"group\", \"title\" : \"T\", \"avatar_url\" : null, " \
	"\"external_ref\" : null, \"created_by\" : \"" ALICE "\", "                                \
	"\"created_at\" : \"2026-11-21T12:00:00.5+00:00\", "                                       \
	"\"last_activity_at\" : \"2026-11-21T12:00:00.5+00:00\", \"last_seq\" : 0, \"rev\" : 1, "  \
	"\"member_count\" : 1, \"members\" : [{\"user_id\" : \"" ALICE "\", "                      \
	"\"display_name\" : \"A\", \"avatar_url\" : null, \"role\" : \"owner\", "                  \
	"\"last_read_seq\" : 0, \"last_delivered_seq\" : 0}]}}"

#define COLUMNS_RECORD(type)                                                                       \
	HEAD(type, "7")                                                                            \
	"{\"id\" : \"" ROOM "\", \"kind\" : \"group\", \"title\" : null, \"avatar_url\" : null, "  \
	"\"external_ref\" : \"r\", \"created_by\" : \"" ALICE "\", "                               \
	"\"created_at\" : \"2026-11-21T12:00:00.5+00:00\", "                                       \
	"\"last_activity_at\" : \"2026-11-21T12:00:01+00:00\", \"last_seq\" : 3, \"rev\" : 7, "    \
	"\"member_count\" : 2}}"

#define COLUMNS_PAYLOAD(type)                                                                      \
	"{\"type\":\"" type "\",\"event_id\":\"" EVENT "\","                                       \
	"\"at\":\"2026-11-21T12:00:00.123456Z\",\"conversation_id\":\"" ROOM "\","                 \
	"\"rev\":7,\"data\":{\"id\":\"" ROOM "\",\"kind\":\"group\",\"title\":null,"               \
	"\"avatar_url\":null,\"external_ref\":\"r\",\"created_by\":\"" ALICE "\","                 \
	"\"created_at\":\"2026-11-21T12:00:00.500000Z\","                                          \
	"\"last_activity_at\":\"2026-11-21T12:00:01.000000Z\",\"last_seq\":3,"                     \
	"\"rev\":7,\"member_count\":2}}"

#define MEMBER_RECORD(type)                                                                        \
	HEAD(type, "8")                                                                            \
	"{\"user_id\" : \"" BOB "\", \"display_name\" : \"Bob \\u00fc\", \"avatar_url\" : null, "  \
	"\"role\" : \"admin\", \"last_read_seq\" : 3, \"last_delivered_seq\" : 4}}"

#define MEMBER_PAYLOAD(type)                                                                       \
	"{\"type\":\"" type "\",\"event_id\":\"" EVENT "\","                                       \
	"\"at\":\"2026-11-21T12:00:00.123456Z\",\"conversation_id\":\"" ROOM "\",\"rev\":8,"       \
	"\"data\":{\"user_id\":\"" BOB "\",\"display_name\":\"Bob \xc3\xbc\","                     \
	"\"avatar_url\":null,\"role\":\"admin\",\"last_read_seq\":3,\"last_delivered_seq\":4}}"

/* What is for the plugin alone. */
#define NOTICE(type, rest)                                                                         \
	"{\"type\" : \"" type "\", \"event_id\" : \"" EVENT "\", "                                 \
	"\"at\" : \"2026-11-21T12:00:00.123456+00:00\", \"user_id\" : \"" ALICE "\"" rest "}"
#define REVOKED_RECORD NOTICE("session.revoked", ", \"session_ids\" : [\"" MESSAGE "\"]")
#define UNTIL_RECORD                                                                               \
	NOTICE("session.revoked", ", \"session_ids\" : [\"" MESSAGE                                \
				  "\"], \"until\" : \"2026-11-21T13:00:00+00:00\"")
#define BARRED_RECORD NOTICE("user.barred", "")
#define BLOCKED_RECORD NOTICE("user.blocked", ", \"blocked_id\" : \"" BOB "\"")

static void test_round(void **state)
{
	(void)state;
	static const struct {
		const char *record;
		const char *payload;
	} rows[] = {
		{ MESSAGE_RECORD,
			"{\"type\":\"message.created\",\"event_id\":\"" EVENT "\","
			"\"at\":\"2026-11-21T12:00:00.123456Z\",\"conversation_id\":\"" ROOM "\","
			"\"rev\":58,\"data\":{\"id\":\"" MESSAGE "\",\"conversation_id\":\"" ROOM
			"\","
			"\"seq\":42,\"rev\":58,\"sender_id\":\"" ALICE "\",\"type\":\"text\","
			"\"body\":\"Hello \\\"B\\\"\",\"ciphertext\":null,\"metadata\":{\"a\": "
			"[1]},"
			"\"reply_to\":null,\"quoted\":null,\"attachments\":[],\"reactions\":[],"
			"\"created_at\":\"2026-11-21T12:00:00.000000Z\",\"edited_at\":null,"
			"\"deleted_at\":null,\"status\":\"sent\"}}" },
		{ RECEIPT_RECORD,
			"{\"type\":\"receipt.read\",\"event_id\":\"" EVENT "\","
			"\"at\":\"2026-11-21T12:00:00.123456Z\",\"conversation_id\":\"" ROOM "\","
			"\"data\":{\"conversation_id\":\"" ROOM "\",\"user_id\":\"" BOB
			"\",\"seq\":42,"
			"\"at\":\"2026-11-21T12:00:00.123456Z\"}}" },
		{ CONVERSATION_RECORD,
			"{\"type\":\"conversation.created\",\"event_id\":\"" EVENT "\","
			"\"at\":\"2026-11-21T12:00:00.123456Z\",\"conversation_id\":\"" ROOM "\","
			"\"rev\":1,\"data\":{\"id\":\"" ROOM
			"\",\"kind\":\"group\",\"title\":\"T\","
			"\"avatar_url\":null,\"external_ref\":null,\"created_by\":\"" ALICE "\","
			"\"created_at\":\"2026-11-21T12:00:00.500000Z\","
			"\"last_activity_at\":\"2026-11-21T12:00:00.500000Z\",\"last_seq\":0,"
			"\"rev\":1,"
			"\"member_count\":1,\"members\":[{\"user_id\":\"" ALICE "\","
			"\"display_name\":\"A\",\"avatar_url\":null,\"role\":\"owner\","
			"\"last_read_seq\":0,\"last_delivered_seq\":0}],\"last_message\":null}}" },
		{ COLUMNS_RECORD("conversation.updated"), COLUMNS_PAYLOAD("conversation.updated") },
		{ COLUMNS_RECORD("conversation.deleted"), COLUMNS_PAYLOAD("conversation.deleted") },
		{ MEMBER_RECORD("member.added"), MEMBER_PAYLOAD("member.added") },
		{ MEMBER_RECORD("member.updated"), MEMBER_PAYLOAD("member.updated") },
		{ MEMBER_RECORD("member.removed"), MEMBER_PAYLOAD("member.removed") },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct buf buf = { 0 };
		struct event event;
		const char *why = "";
		if (event_read(arena, str_of(rows[i].record), &event, &why) != OK)
			fail_msg("row %zu: %s", i, why);
		assert_int_equal(event.nrecipients, 2);
		char id[UUID_TEXT_LEN + 1];
		uuid_format(&event.recipients[1], id);
		assert_string_equal(id, BOB);
		event_write(&buf, &event);
		buf_add_char(&buf, '\0');
		if (strcmp(buf.data, rows[i].payload) != 0)
			fail_msg("row %zu: %s", i, buf.data);
		buf_free(&buf);
		arena_free(arena);
	}
}

static void test_views(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct buf all = { 0 }, own = { 0 };
	struct event event;
	const char *why = "";
	char id[UUID_TEXT_LEN + 1];
	if (event_read(arena, STR(REACTED_RECORD), &event, &why) != OK)
		fail_msg("%s", why);
	assert_int_equal(event.nrecipients, 1);
	assert_int_equal(event.nviews, 1);
	assert_int_equal(event.views[0].nrecipients, 1);
	uuid_format(&event.views[0].recipients[0], id);
	assert_string_equal(id, ALICE);
	event_write(&all, &event);
	event_write_view(&own, &event, &event.views[0]);
	buf_add_char(&all, '\0');
	buf_add_char(&own, '\0');
	assert_non_null(
		strstr(all.data, "\"reactions\":[{\"emoji\":\"👍\",\"count\":2,\"mine\":false},"
				 "{\"emoji\":\"❤️\",\"count\":1,\"mine\":false}]"));
	assert_non_null(
		strstr(own.data, "\"reactions\":[{\"emoji\":\"👍\",\"count\":2,\"mine\":true},"
				 "{\"emoji\":\"❤️\",\"count\":1,\"mine\":false}]"));
	buf_free(&all);
	buf_free(&own);
	arena_free(arena);
}

/* record with the first occurrence of old put right (or wrong). */
static const char *replaced(
	struct arena *arena, const char *record, const char *old, const char *with)
{
	const char *at = strstr(record, old);
	if (at == NULL)
		fail_msg("%s is not in %s", old, record);
	return arena_printf(arena, "%.*s%s%s", (int)(at - record), record, with, at + strlen(old));
}

static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *record;
		const char *old;
		const char *with;
		const char *why; /* NULL: still good */
	} rows[] = {
		{ MESSAGE_RECORD, "{", "", "not JSON" },
		{ MESSAGE_RECORD, "}}", "}", "not JSON" },
		{ MESSAGE_RECORD, "message.created", "message.creates", "type" },
		{ MESSAGE_RECORD, "\"message.created\"", "1", "type" },
		{ MESSAGE_RECORD, "\"type\" : \"m", "\"typ\" : \"m", "type" },
		{ MESSAGE_RECORD, EVENT, "x", "event_id" },
		{ MESSAGE_RECORD, "\"" EVENT "\"", "null", "event_id" },
		{ MESSAGE_RECORD, "12:00:00.123456+00:00", "25:00:00+00:00", "at" },
		{ MESSAGE_RECORD, "12:00:00.123456+00:00", "infinity", "at" },
		{ MESSAGE_RECORD, "\"rev\" : 58", "\"rev\" : 0", "rev" },
		{ MESSAGE_RECORD, "\"rev\" : 58", "\"rev\" : null", "rev" },
		{ MESSAGE_RECORD, "\"rev\" : 58", "\"rev\" : \"58\"", "rev" },
		{ MESSAGE_RECORD, "\"rev\" : 58", "\"rev\" : 9007199254740992", "rev" },
		{ MESSAGE_RECORD, "\"rev\" : 58", "\"rev\" : 9007199254740991", NULL },
		{ MESSAGE_RECORD, "[\"" ALICE "\", \"" BOB "\"]", "[]", NULL },
		{ MESSAGE_RECORD, "[\"" ALICE "\", \"" BOB "\"]", "null", "to" },
		{ MESSAGE_RECORD, "[\"" ALICE "\", \"" BOB "\"]", "{}", "to" },
		{ MESSAGE_RECORD, "[\"" ALICE "\", \"" BOB "\"]", "[null]", "to" },
		{ MESSAGE_RECORD, "[\"" ALICE "\", \"" BOB "\"]", "[\"" ALICE "\",\"x\"]", "to" },
		{ MESSAGE_RECORD, "\"data\"", "\"date\"", "id" },
		{ MESSAGE_RECORD, ROOM, BOB, "conversation_id" },
		{ MESSAGE_RECORD, MESSAGE, "x", "id" },
		{ MESSAGE_RECORD, "\"seq\" : 42", "\"seq\" : 0", "seq" },
		{ MESSAGE_RECORD, "\"seq\" : 42", "\"seq\" : 4.2", "seq" },
		{ MESSAGE_RECORD, "\"sender_id\" : \"" ALICE "\"", "\"sender_id\" : null", NULL },
		{ MESSAGE_RECORD, "\"sender_id\" : \"" ALICE "\"", "\"sender_id\" : 1",
			"sender_id" },
		{ MESSAGE_RECORD, "\"type\" : \"text\"", "\"type\" : null", "type" },
		{ MESSAGE_RECORD, "\"body\" : \"Hello", "\"body\" : 1, \"b\" : \"Hello", "body" },
		{ MESSAGE_RECORD, "\"ciphertext\" : null", "\"ciphertext\" : []", "ciphertext" },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "null", NULL },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "\" {} \"", NULL },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "{}", "metadata" },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "\"\"", "metadata" },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "\"[]\"", "metadata" },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "\"{},\"", "metadata" },
		{ MESSAGE_RECORD, "\"{\\\"a\\\": [1]}\"", "\"{\\\"a\\\"}\"", "metadata" },
		{ MESSAGE_RECORD, "\"reply_to\" : null", "\"reply_to\" : \"\"", "reply_to" },
		{ MESSAGE_RECORD, "12:00:00+00:00", "12:00:60+00:00", "created_at" },
		{ MESSAGE_RECORD, "\"edited_at\" : null", "\"edited_at\" : 1", "edited_at" },
		{ MESSAGE_RECORD, "\"deleted_at\" : null", "\"deleted_at\" : \"\"", "deleted_at" },
		{ MESSAGE_RECORD, "message.created", "receipt.read", "user_id" },
		{ REACTED_RECORD, "[{", "null, \"x\" : [{", NULL },
		{ REACTED_RECORD, "[{", "3, \"x\" : [{", "reactors" },
		{ REACTED_RECORD, "[{", "[1, {", "emojis" },
		{ REACTED_RECORD, "\"emojis\"", "\"emoji\"", "emojis" },
		{ REACTED_RECORD, "[\"" ALICE, "[\"x", "to" },
		{ REACTED_RECORD, "👍 2", "👍 0", "extra" },
		{ REACTED_RECORD, "👍 2", "👍 two", "extra" },
		{ REACTED_RECORD, "👍 2", "👍", "extra" },
		{ RECEIPT_RECORD, "receipt.read", "receipt.delivered", NULL },
		{ RECEIPT_RECORD, "receipt.read", "message.created", "rev" },
		{ RECEIPT_RECORD, "\"user_id\"", "\"user\"", "user_id" },
		{ RECEIPT_RECORD, "42", "-1", "seq" },
		{ RECEIPT_RECORD, "42", "true", "seq" },
		{ CONVERSATION_RECORD, ROOM, BOB, "conversation_id" },
		{ CONVERSATION_RECORD, "\"group\"", "\"crowd\"", "kind" },
		{ CONVERSATION_RECORD, "\"group\"", "null", "kind" },
		{ CONVERSATION_RECORD, "\"title\" : \"T\"", "\"title\" : {}", "title" },
		{ CONVERSATION_RECORD, "\"created_by\" : \"" ALICE "\"", "\"created_by\" : null",
			NULL },
		{ CONVERSATION_RECORD, "\"last_activity_at\"", "\"last\"", "last_activity_at" },
		{ CONVERSATION_RECORD, "\"last_seq\" : 0", "\"last_seq\" : -1", "last_seq" },
		{ CONVERSATION_RECORD, "\"member_count\" : 1", "\"member_count\" : \"1\"",
			"member_count" },
		{ CONVERSATION_RECORD,
			"\"members\" :", "\"members\" : 3, \"people\" :", "members" },
		{ CONVERSATION_RECORD, "\"user_id\"", "\"user\"", "user_id" },
		{ CONVERSATION_RECORD, "[{", "[1,{", "user_id" },
		{ CONVERSATION_RECORD, "\"role\" : \"owner\"", "\"role\" : null", "role" },
		{ CONVERSATION_RECORD, "\"display_name\" : \"A\"", "\"display_name\" : null",
			NULL },
		{ CONVERSATION_RECORD, "\"last_read_seq\" : 0", "\"last_read_seq\" : 0.5",
			"last_read_seq" },
		{ COLUMNS_RECORD("conversation.updated"), ROOM, BOB, "conversation_id" },
		{ COLUMNS_RECORD("conversation.updated"), "\"rev\" : 7", "\"rev\" : null", "rev" },
		{ COLUMNS_RECORD("conversation.updated"), "\"last_seq\"", "\"seq\"", "last_seq" },
		{ MEMBER_RECORD("member.added"), "member.added", "member.left", "type" },
		{ MEMBER_RECORD("member.added"), "\"rev\" : 8", "\"rev\" : null", "rev" },
		{ MEMBER_RECORD("member.added"), "\"data\"", "\"date\"", "user_id" },
		{ MEMBER_RECORD("member.added"), "\"user_id\"", "\"user\"", "user_id" },
		{ MEMBER_RECORD("member.removed"),
			"\"display_name\" : ", "\"display_name\" : 1, \"x\" : ", "display_name" },
		{ MEMBER_RECORD("member.updated"), "\"admin\"", "null", "role" },
		{ MEMBER_RECORD("member.updated"), "\"last_delivered_seq\" : 4",
			"\"last_delivered_seq\" : -4", "last_delivered_seq" },
		{ REVOKED_RECORD, ALICE, "x", "user_id" },
		{ REVOKED_RECORD, "[\"", "[1,\"", "session_ids" },
		{ REVOKED_RECORD, "\"session_ids\"", "\"ids\"", "session_ids" },
		{ REVOKED_RECORD, "\"session_ids\"", "\"until\" : null, \"session_ids\"", NULL },
		{ REVOKED_RECORD, "\"session_ids\"", "\"until\" : 1, \"session_ids\"", "until" },
		{ REVOKED_RECORD, "\"session_ids\"", "\"until\" : \"never\", \"session_ids\"",
			"until" },
		{ BARRED_RECORD, "user.barred", "user.unbarred", NULL },
		{ BARRED_RECORD, "user.barred", "user.blocked", "blocked_id" },
		{ BARRED_RECORD, "user.barred", "user.bared", "type" },
		{ BARRED_RECORD, "user.barred", "identity.keys", NULL },
		{ BARRED_RECORD, "\"user_id\"", "\"user\"", "user_id" },
		{ BARRED_RECORD, ALICE, "1", "user_id" },
		{ BARRED_RECORD, EVENT, "1", "event_id" },
		{ BARRED_RECORD, "2026", "26", "at" },
		{ BLOCKED_RECORD, "user.blocked", "user.unblocked", NULL },
		{ BLOCKED_RECORD, "\"user_id\"", "\"user\"", "user_id" },
		{ BLOCKED_RECORD, "\"blocked_id\" : \"", "\"blocked_id\" : null, \"x\" : \"",
			"blocked_id" },
		{ BLOCKED_RECORD, "\"blocked_id\"", "\"blocked\"", "blocked_id" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		const char *record = replaced(arena, rows[i].record, rows[i].old, rows[i].with);
		struct event event = { .rev = 4242 };
		const char *why = "";
		enum err err = event_read(arena, str_of(record), &event, &why);
		if (err != (rows[i].why ? ERR_INVALID_INPUT : OK) ||
			strcmp(why, rows[i].why ? rows[i].why : "") != 0 ||
			(err != OK && event.rev != 4242))
			fail_msg("row %zu: %s: \"%s\"", i, record, why);
		arena_free(arena);
	}
}

static void test_notice(void **state)
{
	(void)state;
	static const struct {
		const char *record;
		enum event_type type;
		const char *other; /* the second id that it names; NULL: none */
	} rows[] = {
		{ REVOKED_RECORD, EVENT_SESSION_REVOKED, MESSAGE },
		{ UNTIL_RECORD, EVENT_SESSION_REVOKED, MESSAGE },
		{ BARRED_RECORD, EVENT_USER_BARRED, NULL },
		{ NOTICE("user.unbarred", ""), EVENT_USER_UNBARRED, NULL },
		{ BLOCKED_RECORD, EVENT_USER_BLOCKED, BOB },
		{ NOTICE("user.unblocked", ", \"blocked_id\" : \"" BOB "\""), EVENT_USER_UNBLOCKED,
			BOB },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct event event;
		const char *why = "";
		char user[UUID_TEXT_LEN + 1], other[UUID_TEXT_LEN + 1] = "";
		if (event_read(arena, str_of(rows[i].record), &event, &why) != OK)
			fail_msg("row %zu: %s", i, why);
		assert_int_equal(event.type, rows[i].type);
		assert_int_equal(event.nrecipients, 0);
		switch (event_infos[event.type].data) {
		case EVENT_DATA_REVOCATION:
			assert_int_equal(event.data.revocation.nsessions, 1);
			assert_int_equal(event.data.revocation.until_us,
				strstr(rows[i].record, "until") != NULL ? INT64_C(1795266000000000)
									: TIME_NONE);
			uuid_format(&event.data.revocation.user_id, user);
			uuid_format(&event.data.revocation.session_ids[0], other);
			break;
		case EVENT_DATA_BAR:
			uuid_format(&event.data.bar.user_id, user);
			break;
		default:
			uuid_format(&event.data.block.user_id, user);
			uuid_format(&event.data.block.blocked_id, other);
			break;
		}
		assert_string_equal(user, ALICE);
		assert_string_equal(other, rows[i].other ? rows[i].other : "");
		arena_free(arena);
	}
}

static void test_not_an_object(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "null", "[]", "1", "\"x\"", "{}", "[{}]" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *arena = arena_new();
		struct event event;
		const char *why = NULL;
		if (event_read(arena, str_of(rows[i]), &event, &why) != ERR_INVALID_INPUT || !why)
			fail_msg("row %zu: %s", i, rows[i]);
		arena_free(arena);
	}
}

/* As many people as a group can have go through one record. */
static void test_large_group(void **state)
{
	(void)state;
	enum {
		PEOPLE = 4096
	};
	struct arena *arena = arena_new();
	struct buf record = { 0 };
	struct event event;
	const char *why = "";
	buf_add_string(&record,
		"{\"type\":\"conversation.created\",\"event_id\":\"" EVENT "\","
		"\"at\":\"2026-11-21T12:00:00+00:00\",\"conversation_id\":\"" ROOM "\",\"rev\":1,"
		"\"to\":[");
	for (int i = 0; i < PEOPLE; i++)
		buf_printf(&record, "%s\"%08x-0000-4000-8000-000000000000\"", i ? "," : "", i);
	buf_add_string(&record,
		"],\"data\":{\"id\":\"" ROOM "\",\"kind\":\"group\","
		"\"created_at\":\"2026-11-21T12:00:00+00:00\","
		"\"last_activity_at\":\"2026-11-21T12:00:00+00:00\",\"last_seq\":0,\"rev\":1,"
		"\"member_count\":4096,\"members\":[");
	for (int i = 0; i < PEOPLE; i++)
		buf_printf(&record,
			"%s{\"user_id\":\"%08x-0000-4000-8000-000000000000\",\"display_name\":"
			"\"A\","
			"\"role\":\"member\",\"last_read_seq\":0,\"last_delivered_seq\":0}",
			i ? "," : "", i);
	buf_add_string(&record, "]}}");
	if (event_read(arena, (struct str){ record.data, record.len }, &event, &why) != OK)
		fail_msg("%s", why);
	assert_int_equal(event.nrecipients, PEOPLE);
	assert_int_equal(event.data.conversation.nmembers, PEOPLE);
	buf_free(&record);
	arena_free(arena);
}

static void test_members_left_out(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct buf out = { 0 };
	struct event event;
	const char *why = "";
	const char *record = replaced(
		arena, CONVERSATION_RECORD, "\"members\" :", "\"members\" : null, \"x\" :");
	assert_int_equal(event_read(arena, str_of(record), &event, &why), OK);
	event_write(&out, &event);
	buf_add_char(&out, '\0');
	assert_null(strstr(out.data, "\"members\""));
	assert_non_null(strstr(out.data, "\"member_count\":1"));
	buf_free(&out);
	arena_free(arena);
}

static void test_table(void **state)
{
	(void)state;
	static const struct {
		enum event_type type;
		const char *name;
		enum topic_name topic;
		enum event_data data;
	} rows[] = {
		{ EVENT_MESSAGE_CREATED, "message.created", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
		{ EVENT_MESSAGE_UPDATED, "message.updated", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
		{ EVENT_MESSAGE_DELETED, "message.deleted", TOPIC_MESSAGES, EVENT_DATA_MESSAGE },
		{ EVENT_RECEIPT_DELIVERED, "receipt.delivered", TOPIC_RECEIPTS,
			EVENT_DATA_RECEIPT },
		{ EVENT_RECEIPT_READ, "receipt.read", TOPIC_RECEIPTS, EVENT_DATA_RECEIPT },
		{ EVENT_CONVERSATION_CREATED, "conversation.created", TOPIC_CONVERSATIONS,
			EVENT_DATA_CONVERSATION },
		{ EVENT_CONVERSATION_UPDATED, "conversation.updated", TOPIC_CONVERSATIONS,
			EVENT_DATA_COLUMNS },
		{ EVENT_CONVERSATION_DELETED, "conversation.deleted", TOPIC_CONVERSATIONS,
			EVENT_DATA_COLUMNS },
		{ EVENT_MEMBER_ADDED, "member.added", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
		{ EVENT_MEMBER_UPDATED, "member.updated", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
		{ EVENT_MEMBER_REMOVED, "member.removed", TOPIC_CONVERSATIONS, EVENT_DATA_MEMBER },
		{ EVENT_TYPING_STARTED, "typing.started", TOPIC_TYPING, EVENT_DATA_TYPING },
		{ EVENT_TYPING_STOPPED, "typing.stopped", TOPIC_TYPING, EVENT_DATA_TYPING },
		{ EVENT_SESSION_REVOKED, "session.revoked", TOPIC__MAX, EVENT_DATA_REVOCATION },
		{ EVENT_USER_BARRED, "user.barred", TOPIC__MAX, EVENT_DATA_BAR },
		{ EVENT_USER_UNBARRED, "user.unbarred", TOPIC__MAX, EVENT_DATA_BAR },
		{ EVENT_USER_BLOCKED, "user.blocked", TOPIC__MAX, EVENT_DATA_BLOCK },
		{ EVENT_USER_UNBLOCKED, "user.unblocked", TOPIC__MAX, EVENT_DATA_BLOCK },
		{ EVENT_IDENTITY_KEYS, "identity.keys", TOPIC__MAX, EVENT_DATA_KEYS },
	};
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), EVENT__MAX);
	for (size_t i = 0; i < EVENT__MAX; i++) {
		const struct event_info *info = &event_infos[rows[i].type];
		if (strcmp(info->name, rows[i].name) != 0 || info->topic != rows[i].topic ||
			info->data != rows[i].data)
			fail_msg("row %zu: %s", i, info->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_notice),
		cmocka_unit_test(test_not_an_object),
		cmocka_unit_test(test_large_group),
		cmocka_unit_test(test_members_left_out),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
