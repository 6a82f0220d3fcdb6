/* Ended sessions: refused as long as their tokens live, closed at once, and never let in for want of room. */
#include "push/broker/revoked.c"
#include "push/broker/table.c"
#include "push/broker/clients.c"
#include "push/broker/control.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/memory.h"

enum {
	NOW_S = 1000,
	UNTIL_S = 1900
};

static struct broker broker;
static size_t nlines;
static size_t nkicked;

/* As the broker does it: the will is judged and the end of the connection told before this returns. */
int mosquitto_kick_client_by_clientid(const char *id, bool with_will)
{
	struct uuid user;
	assert_true(with_will);
	assert_int_equal(uuid_parse((struct str){ id, UUID_TEXT_LEN }, &user), OK);
	struct client *client = user_find(&broker.clients, &user)->clients;
	while (client && strcmp(client->device, id + UUID_TEXT_LEN + 1) != 0)
		client = client->next;
	assert_non_null(client);
	assert_true(client->revoked);
	nkicked++;
	client_leave(&broker.clients, client->handle, 0, 0);
	return 0;
}

static void line_count(enum log_level level, const char *line)
{
	(void)level, (void)line;
	nlines++;
}

static int set_up(void **state)
{
	(void)state;
	broker = (struct broker){ .now_s = NOW_S };
	nkicked = nlines = 0;
	blocks_left = -1;
	log_sink(line_count);
	return clients_init(&broker.clients) == OK && revoked_init(&broker.revoked) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	revoked_free(&broker.revoked);
	clients_free(&broker.clients);
	return blocks_used == 0 ? 0 : -1;
}

static struct uuid id_of(uint32_t number)
{
	struct uuid id = { { 0 } };
	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static void revoke(uint32_t session, int64_t until_s, int64_t now_s)
{
	struct uuid id = id_of(session);
	revoked_add(&broker.revoked, &id, until_s, now_s);
}

static bool refused(uint32_t session, int64_t issued_at_s)
{
	struct claims claims = { .session_id = id_of(session), .issued_at_s = issued_at_s };
	return revoked_covers(&broker.revoked, &claims, broker.now_s);
}

static void only_the_session_is_refused(void **state)
{
	(void)state;
	assert_false(refused(1, NOW_S));
	revoke(1, UNTIL_S, NOW_S);
	assert_true(refused(1, NOW_S - 10));
	assert_true(refused(1, NOW_S + 10));
	assert_false(refused(2, NOW_S - 10));
}

static void it_is_forgotten_when_its_time_is_over(void **state)
{
	(void)state;
	revoke(1, UNTIL_S, NOW_S);
	revoke(2, UNTIL_S + 5, NOW_S);
	revoked_tick(&broker.revoked, UNTIL_S);
	assert_true(refused(1, NOW_S));
	revoked_tick(&broker.revoked, UNTIL_S + 1);
	assert_false(refused(1, NOW_S));
	assert_true(refused(2, NOW_S));
	revoked_tick(&broker.revoked, UNTIL_S + 6);
	assert_int_equal(broker.revoked.table.count, 0);
	assert_null(broker.revoked.first);
	assert_null(broker.revoked.last);
}

static void told_again_the_later_time_holds(void **state)
{
	(void)state;
	revoke(1, UNTIL_S, NOW_S);
	revoke(1, UNTIL_S + 100, NOW_S);
	revoke(1, UNTIL_S + 50, NOW_S);
	assert_int_equal(broker.revoked.table.count, 1);
	revoked_tick(&broker.revoked, UNTIL_S + 100);
	assert_true(refused(1, NOW_S));
	revoked_tick(&broker.revoked, UNTIL_S + 101);
	assert_false(refused(1, NOW_S));
}

static void many_are_forgotten_some_at_a_time(void **state)
{
	(void)state;
	enum {
		MANY = 3 * LOOKED_AT_EACH_S + 7
	};
	int64_t now_s = UNTIL_S;
	for (uint32_t i = 0; i < MANY; i++)
		revoke(i, UNTIL_S, NOW_S);
	for (size_t left = MANY; left > 0;) {
		revoked_tick(&broker.revoked, ++now_s);
		revoked_tick(&broker.revoked, now_s);
		left -= left < LOOKED_AT_EACH_S ? left : LOOKED_AT_EACH_S;
		assert_int_equal(broker.revoked.table.count, left);
	}
}

/* Tokens of identity providers live for a day, ours for minutes, and who is to come again is refused for seconds. */
static void one_that_lasts_keeps_no_other(void **state)
{
	(void)state;
	enum {
		MANY = 2 * LOOKED_AT_EACH_S
	};
	revoke(1, UNTIL_S + 86400, NOW_S);
	for (uint32_t i = 2; i < 2 + MANY; i++)
		revoke(i, NOW_S + 2, NOW_S);
	assert_true(refused(2, NOW_S));
	broker.now_s = NOW_S + 3;
	assert_false(refused(2, NOW_S));
	assert_false(refused(1 + MANY, NOW_S));
	assert_true(refused(1, NOW_S));
	for (int i = 0; i < 3; i++)
		revoked_tick(&broker.revoked, NOW_S + 3 + i);
	assert_int_equal(broker.revoked.table.count, 1);
	assert_true(refused(1, NOW_S));
	revoked_tick(&broker.revoked, UNTIL_S + 86401);
	assert_int_equal(broker.revoked.table.count, 0);
	assert_null(broker.revoked.first);
	assert_null(broker.revoked.last);
}

static void full_or_without_memory_all_older_tokens_are_refused(void **state)
{
	for (int memory = 0; memory < 2; memory++) {
		tear_down(state);
		set_up(state);
		broker.revoked.table.max = memory ? REVOKED_MAX : 2;
		revoke(1, UNTIL_S, NOW_S);
		revoke(2, UNTIL_S, NOW_S);
		assert_false(refused(9, NOW_S));
		if (memory)
			blocks_left = 0;

		revoke(3, UNTIL_S, NOW_S);
		assert_true(refused(3, NOW_S - 10));
		assert_true(refused(9, NOW_S));
		assert_false(refused(9, NOW_S + 1));
		assert_true(refused(1, NOW_S + 1));
		revoke(4, UNTIL_S, NOW_S + 5);
		revoke(1, UNTIL_S, NOW_S + 9);
		assert_true(refused(9, NOW_S + 5));
		assert_false(refused(9, NOW_S + 6));
		assert_int_equal(nlines, 1);

		/* room again, and the limit stays where it was */
		blocks_left = -1;
		revoked_tick(&broker.revoked, UNTIL_S + 1);
		revoke(5, UNTIL_S + 900, UNTIL_S);
		assert_true(refused(9, NOW_S + 5));
		assert_false(refused(9, NOW_S + 6));
		assert_int_equal(nlines, 1);
	}
}

static struct client *join(uintptr_t number, uint32_t session, const char *device)
{
	struct claims claims = { .user_id = id_of(1), .session_id = id_of(session) };
	struct client *client = NULL;
	assert_int_equal(client_add(&broker.clients, (const struct mosquitto *)(number * 1072),
				 &claims, device, &client),
		OK);
	return client;
}

static void receive(uint32_t session)
{
	struct control control = { .verb = CONTROL_REVOKE, .until_s = UNTIL_S, .nids = 1 };
	struct uuid id = id_of(session);
	char line[ID_BYTES];
	uuid_format(&id, line);
	line[UUID_TEXT_LEN] = '\n';
	control.ids = (struct str){ line, sizeof(line) };
	revoked_receive(&broker, &control);
}

static void every_connection_of_the_session_is_closed_once(void **state)
{
	(void)state;
	join(1, 7, "phone");
	join(2, 7, "laptop");
	join(3, 8, "tablet");
	receive(7);
	assert_int_equal(nkicked, 2);
	assert_true(refused(7, NOW_S));
	receive(7);
	assert_int_equal(nkicked, 2);
	struct uuid id = id_of(1);
	assert_int_equal(user_find(&broker.clients, &id)->nconnected, 1);
}

static void what_has_no_connection_is_marked_alone(void **state)
{
	(void)state;
	struct client *away = join(1, 7, "phone");
	client_leave(&broker.clients, away->handle, 0, 0);
	struct client *replaced = join(2, 7, "laptop");
	struct client *successor = join(3, 8, "laptop");
	struct client *expired = join(4, 7, "tablet");
	expired->kicked = true;
	receive(7);
	assert_int_equal(nkicked, 0);
	assert_true(away->revoked && replaced->revoked && expired->revoked);
	assert_true(!successor->revoked && successor->connected);
}

static void a_session_without_memory_is_closed_all_the_same(void **state)
{
	(void)state;
	join(1, 7, "phone");
	blocks_left = 0;
	receive(7);
	assert_int_equal(nkicked, 1);
	assert_true(refused(7, NOW_S));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(only_the_session_is_refused),
		TEST(it_is_forgotten_when_its_time_is_over),
		TEST(told_again_the_later_time_holds),
		TEST(many_are_forgotten_some_at_a_time),
		TEST(one_that_lasts_keeps_no_other),
		TEST(full_or_without_memory_all_older_tokens_are_refused),
		TEST(every_connection_of_the_session_is_closed_once),
		TEST(what_has_no_connection_is_marked_alone),
		TEST(a_session_without_memory_is_closed_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
