/* Topic rights as rows: whoever is not in a row as allowed is denied. */
#include "push/broker/acl.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ME "0190a000-0000-7000-8000-00000000abcd"
#define OTHER "0190a000-0000-7000-8000-00000000abce"

enum {
	NOW_S = 1000
};

/* The tables are not asked here: rights follow from the entry alone. */
static struct client *found;

struct client *client_find(const struct clients *clients, const struct mosquitto *handle)
{
	(void)clients;
	return handle ? found : NULL;
}

/* What is allowed is judged once more; that is command_test's. */
static bool admits;
static unsigned nasked;

bool command_admit(struct broker *broker, struct user *user, struct str topic, struct str payload)
{
	(void)broker, (void)user, (void)topic, (void)payload;
	nasked++;
	return admits;
}

/* Who has blocked whom is blocked_test's: here OTHER has, or nobody. */
static bool blocks;

bool blocked_covers(
	const struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher)
{
	char one[UUID_TEXT_LEN + 1], other[UUID_TEXT_LEN + 1];
	(void)blocked;
	uuid_format(watched, one);
	uuid_format(watcher, other);
	assert_string_equal(other, ME);
	return blocks && strcmp(one, OTHER) == 0;
}

void client_listen(struct clients *clients, struct client *client, bool listening)
{
	(void)clients;
	client->listening = listening;
}

/* Who is not known comes again whenever a parley-push begins to listen: that is identity.c's. */
static unsigned nlistened;

void identity_listen(struct broker *broker)
{
	(void)broker;
	nlistened++;
}

enum who {
	USER,
	EXPIRED,
	REVOKED,
	PUSH,
	NOBODY
};

struct row {
	enum who who;
	int access;
	const char *topic;
	bool retain;
	bool allowed;
};

static const struct row rows[] = {
	{ USER, MOSQ_ACL_SUBSCRIBE, "users/" ME "/#", false, true },
	{ USER, MOSQ_ACL_SUBSCRIBE, "presence/" OTHER, false, true },
	{ USER, MOSQ_ACL_SUBSCRIBE, "users/" OTHER "/#", false, false },
	{ USER, MOSQ_ACL_SUBSCRIBE, "users/+/commands/#", false, false },
	{ USER, MOSQ_ACL_SUBSCRIBE, "$share/g/users/" ME "/#", false, false },
	{ USER, MOSQ_ACL_SUBSCRIBE, "#", false, false },
	{ USER, MOSQ_ACL_SUBSCRIBE, "", false, false },
	{ USER, MOSQ_ACL_UNSUBSCRIBE, "anything", false, true },
	{ USER, MOSQ_ACL_READ, "users/" ME "/messages", false, true },
	{ USER, MOSQ_ACL_READ, "presence/" OTHER, true, true },
	{ USER, MOSQ_ACL_READ, "users/" OTHER "/messages", false, false },
	{ USER, MOSQ_ACL_READ, "users/" OTHER "/commands/send", false, false },
	{ USER, MOSQ_ACL_READ, "$SYS/broker/uptime", false, false },
	{ USER, MOSQ_ACL_WRITE, "users/" ME "/commands/send", false, true },
	{ USER, MOSQ_ACL_WRITE, "users/" ME "/commands/send", true, false },
	{ USER, MOSQ_ACL_WRITE, "users/" ME "/messages", false, false },
	{ USER, MOSQ_ACL_WRITE, "users/" OTHER "/commands/send", false, false },
	{ USER, MOSQ_ACL_WRITE, "presence/" ME, true, false },
	{ USER, MOSQ_ACL_WRITE, TOPIC_CONTROL, false, false },
	{ USER, MOSQ_ACL_NONE, "users/" ME "/messages", false, false },
	{ USER, MOSQ_ACL_READ | MOSQ_ACL_WRITE, "users/" ME "/commands/send", false, false },
	{ USER, 64, "users/" ME "/messages", false, false },

	{ EXPIRED, MOSQ_ACL_WRITE, "users/" ME "/commands/send", false, false },
	{ EXPIRED, MOSQ_ACL_READ, "users/" ME "/messages", false, true },

	{ REVOKED, MOSQ_ACL_WRITE, "users/" ME "/commands/send", false, false },
	{ REVOKED, MOSQ_ACL_READ, "users/" ME "/messages", false, false },
	{ REVOKED, MOSQ_ACL_READ, "presence/" OTHER, true, false },
	{ REVOKED, MOSQ_ACL_SUBSCRIBE, "users/" ME "/#", false, false },

	{ PUSH, MOSQ_ACL_WRITE, TOPIC_CONTROL, false, true },
	{ PUSH, MOSQ_ACL_WRITE, TOPIC_CONTROL, true, false },
	{ PUSH, MOSQ_ACL_WRITE, TOPIC_CONTROL "/x", false, false },
	{ PUSH, MOSQ_ACL_WRITE, "users/" ME "/messages", false, false },
	{ PUSH, MOSQ_ACL_WRITE, "presence/" ME, true, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "users/+/commands/#", false, true },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, TOPIC_IDENTITY, false, true },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "parley/#", false, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "$share/g/parley/identity", false, false },
	{ PUSH, MOSQ_ACL_READ, TOPIC_IDENTITY, false, true },
	{ PUSH, MOSQ_ACL_READ, TOPIC_IDENTITY "/x", false, false },
	{ PUSH, MOSQ_ACL_WRITE, TOPIC_IDENTITY, false, false },
	{ USER, MOSQ_ACL_SUBSCRIBE, TOPIC_IDENTITY, false, false },
	{ USER, MOSQ_ACL_READ, TOPIC_IDENTITY, false, false },
	{ USER, MOSQ_ACL_WRITE, TOPIC_IDENTITY, false, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "users/+/#", false, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "users/" ME "/commands/#", false, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "$share/g/users/+/commands/#", false, false },
	{ PUSH, MOSQ_ACL_SUBSCRIBE, "#", false, false },
	{ PUSH, MOSQ_ACL_UNSUBSCRIBE, "users/+/commands/#", false, true },
	{ PUSH, MOSQ_ACL_READ, "users/" ME "/commands/send", false, true },
	{ PUSH, MOSQ_ACL_READ, "users/" OTHER "/commands/receipt", false, true },
	{ PUSH, MOSQ_ACL_READ, "users/" ME "/messages", false, false },
	{ PUSH, MOSQ_ACL_READ, "users/" ME "/commands", false, false },
	{ PUSH, MOSQ_ACL_READ, "users/" ME "/x/commands/send", false, false },
	{ PUSH, MOSQ_ACL_READ, "users/", false, false },
	{ PUSH, MOSQ_ACL_READ, "users", false, false },
	{ PUSH, MOSQ_ACL_READ, "presence/" ME, true, false },
	{ PUSH, MOSQ_ACL_READ, "$SYS/broker/uptime", false, false },
	{ PUSH, MOSQ_ACL_NONE, TOPIC_CONTROL, false, false },

	{ NOBODY, MOSQ_ACL_SUBSCRIBE, "users/" ME "/#", false, false },
	{ NOBODY, MOSQ_ACL_UNSUBSCRIBE, "users/" ME "/#", false, false },
	{ NOBODY, MOSQ_ACL_READ, "users/" ME "/messages", false, false },
	{ NOBODY, MOSQ_ACL_WRITE, TOPIC_CONTROL, false, false },
};

static void rows_are_judged(void **state)
{
	(void)state;
	struct user user = { 0 };
	assert_int_equal(uuid_parse(STR(ME), &user.id), OK);
	const struct client clients[] = {
		[USER] = { .user = &user, .expires_at_s = NOW_S + 1 },
		[EXPIRED] = { .user = &user, .expires_at_s = NOW_S },
		[REVOKED] = { .user = &user, .expires_at_s = NOW_S + 1, .revoked = true },
		[PUSH] = { .user = NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct client *client = row->who == NOBODY ? NULL : &clients[row->who];
		if (acl_allows(client, row->access, str_of(row->topic), row->retain, NOW_S) !=
			row->allowed)
			fail_msg("%d may %s %d \"%s\"", (int)row->who, row->allowed ? "not" : "",
				row->access, row->topic);
	}
}

static void an_unknown_handle_is_denied(void **state)
{
	(void)state;
	struct broker broker = { .now_s = NOW_S };
	struct mosquitto_evt_acl_check check = { .access = MOSQ_ACL_READ,
		.topic = "users/" ME "/messages" };
	assert_int_equal(acl_check(MOSQ_EVT_ACL_CHECK, &check, &broker), MOSQ_ERR_ACL_DENIED);
}

static int check(int access, const char *topic)
{
	struct broker broker = { .now_s = NOW_S };
	struct mosquitto_evt_acl_check event = { .access = access, .topic = topic };
	event.client = (struct mosquitto *)(void *)&event;
	return acl_check(MOSQ_EVT_ACL_CHECK, &event, &broker);
}

static void a_command_must_be_admitted_too(void **state)
{
	(void)state;
	static struct user user;
	static struct client client = { .user = &user, .expires_at_s = NOW_S + 1 };
	assert_int_equal(uuid_parse(STR(ME), &user.id), OK);
	found = &client;
	admits = true;
	assert_int_equal(check(MOSQ_ACL_WRITE, "users/" ME "/commands/send"), MOSQ_ERR_SUCCESS);
	admits = false;
	assert_int_equal(check(MOSQ_ACL_WRITE, "users/" ME "/commands/send"), MOSQ_ERR_ACL_DENIED);
	assert_int_equal(nasked, 2);

	/* nothing else is asked about */
	assert_int_equal(check(MOSQ_ACL_READ, "users/" ME "/messages"), MOSQ_ERR_SUCCESS);
	assert_int_equal(check(MOSQ_ACL_SUBSCRIBE, "users/" ME "/#"), MOSQ_ERR_SUCCESS);
	assert_int_equal(
		check(MOSQ_ACL_WRITE, "users/" OTHER "/commands/send"), MOSQ_ERR_ACL_DENIED);
	assert_int_equal(nasked, 2);
}

static void who_has_blocked_one_is_not_watched(void **state)
{
	(void)state;
	static const struct {
		int access;
		const char *topic;
		bool hidden;
	} steps[] = {
		{ MOSQ_ACL_SUBSCRIBE, "presence/" OTHER, true },
		{ MOSQ_ACL_READ, "presence/" OTHER, true },
		{ MOSQ_ACL_UNSUBSCRIBE, "presence/" OTHER, false },
		{ MOSQ_ACL_SUBSCRIBE, "presence/" ME, false },
		{ MOSQ_ACL_READ, "presence/" ME, false },
		{ MOSQ_ACL_READ, "users/" ME "/messages", false },
	};
	static struct user user;
	static struct client client = { .user = &user, .expires_at_s = NOW_S + 1 };
	assert_int_equal(uuid_parse(STR(ME), &user.id), OK);
	found = &client;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		blocks = false;
		assert_int_equal(check(steps[i].access, steps[i].topic), MOSQ_ERR_SUCCESS);
		blocks = true;
		if ((check(steps[i].access, steps[i].topic) == MOSQ_ERR_ACL_DENIED) !=
			steps[i].hidden)
			fail_msg("step %zu", i);
	}
}

static void parley_push_listens_while_it_is_subscribed(void **state)
{
	(void)state;
	static const struct {
		int access;
		const char *topic;
		bool listening;
	} steps[] = {
		{ MOSQ_ACL_SUBSCRIBE, "users/+/#", false },
		{ MOSQ_ACL_SUBSCRIBE, TOPIC_IDENTITY, false },
		{ MOSQ_ACL_SUBSCRIBE, TOPIC_COMMANDS, true },
		{ MOSQ_ACL_SUBSCRIBE, TOPIC_COMMANDS, true },
		{ MOSQ_ACL_READ, "users/" ME "/commands/send", true },
		{ MOSQ_ACL_WRITE, TOPIC_CONTROL, true },
		{ MOSQ_ACL_UNSUBSCRIBE, "users/+/#", true },
		{ MOSQ_ACL_UNSUBSCRIBE, TOPIC_COMMANDS, false },
	};
	static struct client client;
	found = &client;
	nlistened = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		check(steps[i].access, steps[i].topic);
		if (client.listening != steps[i].listening)
			fail_msg("after step %zu", i);
	}
	assert_int_equal(nlistened, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_judged),
		cmocka_unit_test(an_unknown_handle_is_denied),
		cmocka_unit_test(a_command_must_be_admitted_too),
		cmocka_unit_test(who_has_blocked_one_is_not_watched),
		cmocka_unit_test(parley_push_listens_while_it_is_subscribed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
