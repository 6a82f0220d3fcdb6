/* The topics: the access rules as rows. A client is allowed exactly what is listed here as good. */
#include "lib/topic.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ME "0190a000-0000-7000-8000-00000000abcd"
#define ME_UPPER "0190A000-0000-7000-8000-00000000ABCD"
#define OTHER "0190a000-0000-7000-8000-00000000abce"

struct rule {
	const char *topic;
	bool good;
};

static struct uuid user_me(void)
{
	struct uuid me;
	assert_int_equal(uuid_parse(STR(ME), &me), OK);
	return me;
}

/* A copy without a NUL behind it, so that a sanitizer sees a step too far. */
static bool ask(bool (*may)(struct str, const struct uuid *), const char *topic)
{
	struct uuid me = user_me();
	size_t len = strlen(topic);
	char *exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, topic, len);
	bool answer = may((struct str){ exact, len }, &me);
	free(exact);
	return answer;
}

static void check_rules(
	const struct rule *rules, size_t nrules, bool (*may)(struct str, const struct uuid *))
{
	for (size_t i = 0; i < nrules; i++)
		if (ask(may, rules[i].topic) != rules[i].good)
			fail_msg("\"%s\" is %s", rules[i].topic,
				rules[i].good ? "refused" : "allowed");
}

#define CHECK_RULES(rules, may) check_rules((rules), sizeof(rules) / sizeof((rules)[0]), (may))

static void subscriptions(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{ "users/" ME "/#", true },
		{ "users/" ME "/+", true },
		{ "users/" ME "/messages", true },
		{ "users/" ME "/commands/send", true },
		{ "users/" ME "/commands/#", true },
		{ "users/" ME "/commands/+", true },
		{ "users/" ME "/+/+", true },
		{ "users/" ME "/+/#", true },
		{ "users/" ME "/+/send", true },
		{ "users/" ME "/anything at all", true },
		{ "presence/" ME, true },
		{ "presence/" OTHER, true },
		{ "", false },
		{ "#", false },
		{ "+", false },
		{ "+/#", false },
		{ "+/+/#", false },
		{ "+/" ME "/messages", false },
		{ "/", false },
		{ "/users/" ME "/messages", false },
		{ "users", false },
		{ "users/", false },
		{ "users/#", false },
		{ "users/+/#", false },
		{ "users/+/messages", false },
		{ "users/" ME, false },
		{ "users/" ME "/", false },
		{ "users/" ME "#", false },
		{ "users/" ME "x/messages", false },
		{ "users/" ME "+/messages", false },
		{ "users/" ME "//messages", false },
		{ "users/" ME "/messages/", false },
		{ "users/" ME "/messages//x", false },
		{ "users/" ME "/#/messages", false },
		{ "users/" ME "/messages#", false },
		{ "users/" ME "/mess#ges", false },
		{ "users/" ME "/messages+", false },
		{ "users/" ME "/+messages", false },
		{ "users/" ME "/++", false },
		{ "users/" ME "/##", false },
		{ "users/" ME_UPPER "/messages", false },
		{ "users/" ME_UPPER "/#", false },
		{ "Users/" ME "/messages", false },
		{ "USERS/" ME "/#", false },
		{ "users/" OTHER "/#", false },
		{ "users/" OTHER "/messages", false },
		{ "users/0190a00000007000800000000000abcd/messages", false },
		{ "users/{" ME "}/messages", false },
		{ "users /" ME "/messages", false },
		{ " users/" ME "/messages", false },
		{ "$share/group/users/" ME "/messages", false },
		{ "$share/group/users/" ME "/#", false },
		{ "$share/users/" ME "/#", false },
		{ "$SYS/#", false },
		{ "$SYS/broker/clients/total", false },
		{ "$CONTROL/#", false },
		{ "$CONTROL/parley/v1", false },
		{ "presence", false },
		{ "presence/", false },
		{ "presence/#", false },
		{ "presence/+", false },
		{ "presence/" ME "/", false },
		{ "presence/" ME "/#", false },
		{ "presence/" ME "/x", false },
		{ "presence/" ME_UPPER, false },
		{ "presence/0190a000-0000-7000-8000-00000000abc", false },
		{ "presence/0190a000-0000-7000-8000-00000000abcde", false },
		{ "presence/0190a000-0000-7000-8000-00000000abc+", false },
		{ "presence/0190a000-0000-7000-8000-00000000abc#", false },
		{ "presence/0190a000-0000-7000-8000+00000000abcd", false },
		{ "Presence/" ME, false },
		{ "$share/group/presence/" ME, false },
	};
	CHECK_RULES(rules, topic_may_subscribe);
}

static void deliveries(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{ "users/" ME "/messages", true },
		{ "users/" ME "/replies", true },
		{ "users/" ME "/commands/send", false },
		{ "presence/" ME, true },
		{ "presence/" OTHER, true },
		{ "", false },
		{ "users/" ME, false },
		{ "users/" ME "/", false },
		{ "users/" OTHER "/messages", false },
		{ "users/" ME_UPPER "/messages", false },
		{ "users/" ME "x/messages", false },
		{ "presence/" ME "/x", false },
		{ "presence/" ME_UPPER, false },
		{ "presence/x", false },
		{ "$SYS/broker/version", false },
		{ "$CONTROL/parley/v1", false },
		{ "other", false },
	};
	CHECK_RULES(rules, topic_may_read);
}

static void publishes(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{ "users/" ME "/commands/send", true },
		{ "users/" ME "/commands/receipt", true },
		{ "users/" ME "/commands/typing", true },
		{ "users/" ME "/commands/call", true },
		{ "", false },
		{ "users/" ME "/commands", false },
		{ "users/" ME "/commands/", false },
		{ "users/" ME "/commands/other", false },
		{ "users/" ME "/commands/sen", false },
		{ "users/" ME "/commands/sends", false },
		{ "users/" ME "/commands/send/", false },
		{ "users/" ME "/commands/send/x", false },
		{ "users/" ME "/commands//send", false },
		{ "users/" ME "/Commands/send", false },
		{ "users/" ME "//commands/send", false },
		{ "users/" ME "/messages", false },
		{ "users/" ME "/replies", false },
		{ "users/" ME "/sync", false },
		{ "users/" ME "/typing", false },
		{ "users/" ME "/", false },
		{ "users/" ME, false },
		{ "users/" ME_UPPER "/commands/send", false },
		{ "users/" OTHER "/commands/send", false },
		{ "users/" OTHER "/messages", false },
		{ "presence/" ME, false },
		{ "presence/" OTHER, false },
		{ "$CONTROL/parley/v1", false },
		{ "$CONTROL/dynamic-security/v1", false },
		{ "$SYS/broker/version", false },
		{ "$share/g/users/" ME "/commands/send", false },
		{ "commands/send", false },
	};
	CHECK_RULES(rules, topic_may_write);
}

/* Whatever single byte of an allowed topic is changed, nothing of another user comes within reach.
 */
static void no_changed_byte_reaches_another_user(void **state)
{
	(void)state;
	static const char topic[] = "users/" ME "/messages";
	for (size_t at = 0; at < OWN_LEN; at++) {
		for (int byte = 1; byte < 256; byte++) {
			char changed[sizeof(topic)];
			memcpy(changed, topic, sizeof(topic));
			changed[at] = (char)byte;
			bool same = changed[at] == topic[at];
			if (ask(topic_may_subscribe, changed) != same ||
				ask(topic_may_read, changed) != same)
				fail_msg("byte %d at %zu: \"%s\"", byte, at, changed);
		}
	}
}

static void a_nul_ends_nothing(void **state)
{
	(void)state;
	struct uuid me = user_me();
	static const char write[] = "users/" ME "/commands/send\0/x";
	assert_false(topic_may_write((struct str){ write, sizeof(write) - 1 }, &me));
	static const char presence[] = "presence/" ME "\0";
	assert_false(topic_may_subscribe((struct str){ presence, sizeof(presence) - 1 }, &me));
	assert_false(topic_may_subscribe((struct str){ NULL, 0 }, &me));
	assert_false(topic_may_read((struct str){ NULL, 0 }, &me));
	assert_false(topic_may_write((struct str){ NULL, 0 }, &me));
}

static void topics_are_spelled(void **state)
{
	(void)state;
	struct uuid me = user_me();
	char topic[TOPIC_USER_BYTES];
	for (int i = 0; i < TOPIC__MAX; i++) {
		char expected[128];
		assert_non_null(topic_names[i]);
		strcpy(expected, "users/" ME "/");
		strcat(expected, topic_names[i]);
		assert_true(strlen(expected) < TOPIC_USER_BYTES);
		topic_user(&me, (enum topic_name)i, topic);
		assert_string_equal(topic, expected);
		assert_int_equal(topic_name_of(str_of(topic_names[i])), i);
		assert_true(topic_may_read(str_of(topic), &me));
		assert_false(topic_may_write(str_of(topic), &me));
	}
	topic_presence(&me, topic);
	assert_string_equal(topic, "presence/" ME);
	static const char *const none[] = { "", "Messages", "message", "messages ", "messages/x" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (topic_name_of(str_of(none[i])) != TOPIC__MAX)
			fail_msg("\"%s\" is a topic", none[i]);
	assert_int_equal(topic_name_of((struct str){ NULL, 0 }), TOPIC__MAX);
}

#define TEXT_64 "0123456789012345678901234567890123456789012345678901234567890123"

static void devices(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{ "a", true },
		{ "iPhone-15_pro.2", true },
		{ "-", true },
		{ ".", true },
		{ TEXT_64, true },
		{ "", false },
		{ TEXT_64 "x", false },
		{ "a b", false },
		{ "a/b", false },
		{ "a+", false },
		{ "#", false },
		{ "caf\xc3\xa9", false },
		{ "a\n", false },
		{ "a\x7f", false },
		{ "$a", false },
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (topic_device_ok(str_of(rules[i].topic)) != rules[i].good)
			fail_msg("device \"%s\"", rules[i].topic);
	assert_false(topic_device_ok((struct str){ "a\0b", 3 }));
}

static void client_ids(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{ ME "/phone", true },
		{ ME "/" TEXT_64, true },
		{ "", false },
		{ ME, false },
		{ ME "/", false },
		{ ME "/" TEXT_64 "x", false },
		{ ME "/a/b", false },
		{ ME "-phone", false },
		{ ME "//", false },
		{ ME_UPPER "/phone", false },
		{ OTHER "/phone", false },
		{ "x" ME "/phone", false },
		{ "phone", false },
		{ "parley-push/1", false },
	};
	CHECK_RULES(rules, topic_client_ok);
	struct uuid me = user_me();
	assert_false(topic_client_ok((struct str){ NULL, 0 }, &me));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subscriptions),
		cmocka_unit_test(deliveries),
		cmocka_unit_test(publishes),
		cmocka_unit_test(no_changed_byte_reaches_another_user),
		cmocka_unit_test(a_nul_ends_nothing),
		cmocka_unit_test(topics_are_spelled),
		cmocka_unit_test(devices),
		cmocka_unit_test(client_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
