/* Commands: what goes on to parley-push, and what the plugin answers itself, in the bytes of parley-push. */
#include "push/broker/command.c"
#include "push/broker/bucket.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/model/reply.h"

#define ME "0190a000-0000-7000-8000-00000000abcd"
#define ID "0190a000-0000-7000-8000-00000000beef"
#define TOPIC(name) "users/" ME "/commands/" name

static unsigned nanswers;
static char last_topic[TOPIC_USER_BYTES], last_answer[REPLY_MAX];

enum err broker_publish(
	const char *topic, struct str payload, int qos, bool retain, uint32_t expiry_s)
{
	assert_true(qos == 1 && !retain && expiry_s == 0);
	nanswers++;
	snprintf(last_topic, sizeof(last_topic), "%s", topic);
	snprintf(last_answer, sizeof(last_answer), "%.*s", (int)payload.len, payload.ptr);
	return OK;
}

static struct broker broker;
static struct user user;

static int set_up(void **state)
{
	(void)state;
	broker = (struct broker){ .settings.commands_per_s = 50, .clients.nlistening = 1 };
	user = (struct user){ 0 };
	nanswers = 0;
	return uuid_parse(STR(ME), &user.id) == OK ? 0 : -1;
}

static bool admit(const char *topic, struct str payload)
{
	return command_admit(&broker, &user, str_of(topic), payload);
}

static void an_answer_is_that_of_parley_push(void **state)
{
	(void)state;
	static const enum err errs[] = { ERR_RATE_LIMITED, ERR_TOO_LARGE, ERR_UNAVAILABLE };
	struct uuid id;
	assert_int_equal(uuid_parse(STR(ID), &id), OK);
	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		for (int command = 0; command < NCOMMANDS; command++) {
			for (int has_id = 0; has_id < 2; has_id++) {
				char ours[REPLY_MAX];
				struct buf theirs = { 0 };
				struct reply_problem problem = { .command = commands[command].name,
					.err = errs[i],
					.retry_after_s = errs[i] == ERR_TOO_LARGE ? 0 : 1 };
				if (has_id)
					problem.id = id;
				reply_write_problem(&theirs, &problem);
				size_t len = reply_write(
					problem.command, has_id ? &id : NULL, errs[i], ours);
				assert_int_equal(len, theirs.len);
				assert_memory_equal(ours, theirs.data, len);
				buf_free(&theirs);
			}
		}
	}
}

/* So that its texts may change without anybody thinking of this file. */
static void every_problem_fits_and_needs_no_escape(void **state)
{
	(void)state;
	struct uuid id = { { 1 } };
	for (int err = OK + 1; err < ERR__MAX; err++) {
		char reply[REPLY_MAX], why[JSON_WHY_BYTES];
		size_t len = reply_write("receipt", &id, (enum err)err, reply);
		assert_in_range(len, 1, REPLY_MAX / 2);
		assert_int_equal(json_scan((struct str){ reply, len }, 1, why), OK);
	}
}

static void what_goes_on(void **state)
{
	(void)state;
	static const char *const topics[] = { TOPIC("send"), TOPIC("receipt"), TOPIC("typing"),
		TOPIC("call") };
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		assert_true(admit(topics[i], STR("{}")));
		assert_true(admit(topics[i], STR("no json")));
		assert_true(admit(topics[i], (struct str){ NULL, 0 }));
	}
	assert_false(admit(TOPIC("other"), STR("{}")));
	assert_false(admit(TOPIC("resend"), STR("{}")));
	assert_false(admit("send", STR("{}")));
	assert_int_equal(nanswers, 0);
}

static void beyond_the_limit(void **state)
{
	(void)state;
	static const struct {
		const char *topic;
		bool answered;
	} rows[] = {
		{ TOPIC("send"), true },
		{ TOPIC("call"), true },
		{ TOPIC("typing"), false },
		{ TOPIC("receipt"), false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(NULL);
		unsigned admitted = 0;
		for (int n = 0; n < 1000; n++)
			admitted += admit(rows[i].topic, STR("{\"id\":\"" ID "\"}"));
		assert_in_range(admitted, 500, 550);
		assert_int_equal(broker.commands_refused, 1000 - admitted);
		if (rows[i].answered) {
			assert_in_range(nanswers, ANSWERS_BURST, ANSWERS_BURST + 10);
			assert_non_null(strstr(last_answer, "\"id\":\"" ID "\""));
			assert_non_null(strstr(last_answer, "\"code\":\"rate_limited\""));
			assert_string_equal(last_topic, "users/" ME "/replies");
		} else {
			assert_int_equal(nanswers, 0);
		}
	}
}

static void without_a_limit_nothing_is_too_many(void **state)
{
	(void)state;
	broker.settings.commands_per_s = 0;
	for (int n = 0; n < 100000; n++)
		assert_true(admit(TOPIC("send"), STR("{}")));
	assert_int_equal(broker.commands_refused, 0);
}

static void a_limit_is_one_users(void **state)
{
	(void)state;
	struct user other = { .id = { { 7 } } };
	for (int n = 0; n < 1000; n++)
		admit(TOPIC("send"), STR("{}"));
	assert_true(command_admit(&broker, &other, STR(TOPIC("send")), STR("{}")));
}

static void what_is_too_large(void **state)
{
	(void)state;
	char *text = malloc(COMMAND_BYTES_MAX + 1);
	assert_non_null(text);
	memset(text, ' ', COMMAND_BYTES_MAX + 1);
	memcpy(text, "{\"id\":\"" ID "\"}", sizeof("{\"id\":\"" ID "\"}") - 1);
	assert_true(admit(TOPIC("send"), (struct str){ text, COMMAND_BYTES_MAX }));
	assert_int_equal(nanswers, 0);
	assert_false(admit(TOPIC("receipt"), (struct str){ text, COMMAND_BYTES_MAX + 1 }));
	assert_int_equal(nanswers, 1);
	assert_non_null(strstr(last_answer, "{\"command\":\"receipt\",\"id\":\"" ID "\","));
	assert_non_null(strstr(last_answer, "\"code\":\"too_large\""));
	free(text);
}

static void while_nobody_listens(void **state)
{
	(void)state;
	broker.clients.nlistening = 0;
	assert_true(admit(TOPIC("typing"), STR("{}")));
	assert_true(admit(TOPIC("receipt"), STR("{}")));
	assert_int_equal(nanswers, 0);
	assert_true(admit(TOPIC("call"), STR("{}")));
	assert_true(admit(TOPIC("send"), STR("{}")));
	assert_int_equal(nanswers, 2);
	assert_non_null(strstr(last_answer, "\"code\":\"unavailable\""));
}

static void which_ids_are_said_back(void **state)
{
	(void)state;
	static const struct {
		const char *payload;
		bool said;
	} rows[] = {
		{ "{\"id\":\"" ID "\"}", true },
		{ " {\"body\":\"x\", \"id\" : \"0190A000-0000-7000-8000-00000000BEEF\"} ", true },
		{ "{\"id\":\"" ID "\",\"id\":\"" ID "\"}", false },
		{ "{\"id\":\"" ID "\"", false },
		{ "{\"data\":{\"id\":\"" ID "\"}}", false },
		{ "{\"id\":\"0190a00000007000800000000000beef\"}", false },
		{ "{\"id\":7}", false },
		{ "{\"id\":null}", false },
		{ "{\"id\":{}}", false },
		{ "{\"id\":\"\"}", false },
		{ "{\"id\":\"\\\",\\\"status\\\":201,\\\"x\\\":\\\"\"}", false },
		{ "[\"id\",\"" ID "\"]", false },
		{ "\"" ID "\"", false },
		{ ID, false },
		{ "", false },
		{ "{\"id\":\"" ID "\"}\xff", false },
	};
	broker.clients.nlistening = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		admit(TOPIC("send"), str_of(rows[i].payload));
		if ((strstr(last_answer, "\"id\":\"" ID "\"") != NULL) != rows[i].said ||
			(strstr(last_answer, "\"id\"") != NULL) != rows[i].said)
			fail_msg("%s: %s", rows[i].payload, last_answer);
	}
}

static unsigned nlines;

static void line_count(enum log_level level, const char *line)
{
	(void)level, (void)line;
	nlines++;
}

static void the_log_tells_once_a_second(void **state)
{
	(void)state;
	log_sink(line_count);
	command_tick(&broker, 5 * US_PER_S);
	assert_int_equal(nlines, 0);
	broker.commands_refused = 3;
	command_tick(&broker, 5 * US_PER_S);
	broker.commands_refused = 4;
	command_tick(&broker, 6 * US_PER_S - 1);
	assert_int_equal(nlines, 1);
	command_tick(&broker, 6 * US_PER_S);
	command_tick(&broker, 9 * US_PER_S);
	assert_int_equal(nlines, 2);
	log_sink(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_that_of_parley_push),
		TEST(every_problem_fits_and_needs_no_escape),
		TEST(what_goes_on),
		TEST(beyond_the_limit),
		TEST(without_a_limit_nothing_is_too_many),
		TEST(a_limit_is_one_users),
		TEST(what_is_too_large),
		TEST(while_nobody_listens),
		TEST(which_ids_are_said_back),
		TEST(the_log_tells_once_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
