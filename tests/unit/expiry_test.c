/* Token expiry: exactly those are closed who have to be, once, and nobody is looked for in vain. */
#include "push/broker/expiry.c"
#include "push/broker/table.c"
#include "push/broker/clients.c"

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
	MONO_US = 5000000
};

static struct broker broker;
static size_t nkicked;
static char last_kicked[TOPIC_CLIENT_BYTES];

/* As the broker does it: the end of the connection is told before this returns. */
int mosquitto_kick_client_by_clientid(const char *id, bool with_will)
{
	(void)with_will;
	nkicked++;
	snprintf(last_kicked, sizeof(last_kicked), "%s", id);
	struct uuid user;
	assert_int_equal(uuid_parse((struct str){ id, UUID_TEXT_LEN }, &user), OK);
	struct client *client = user_find(&broker.clients, &user)->clients;
	while (client && strcmp(client->device, id + UUID_TEXT_LEN + 1) != 0)
		client = client->next;
	assert_non_null(client);
	client_leave(&broker.clients, client->handle, 0, 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	broker = (struct broker){ .now_s = NOW_S };
	nkicked = 0;
	return clients_init(&broker.clients) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	clients_free(&broker.clients);
	return 0;
}

static const struct mosquitto *handle(uintptr_t number)
{
	return (const struct mosquitto *)(number * 1072);
}

static struct client *join(
	uintptr_t number, uint32_t user, const char *device, int64_t expires_at_s)
{
	struct claims claims = { .expires_at_s = expires_at_s };
	struct client *client = NULL;
	memcpy(claims.user_id.bytes, &user, sizeof(user));
	assert_int_equal(client_add(&broker.clients, handle(number), &claims, device, &client), OK);
	return client;
}

static void who_is_closed(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t expires_at_s;
		bool connected, replaced, kicked;
		bool closed;
	} rows[] = {
		{ "expires now", NOW_S, true, false, false, true },
		{ "has expired", NOW_S - 900, true, false, false, true },
		{ "expires in a second", NOW_S + 1, true, false, false, false },
		{ "has left", NOW_S, false, false, false, false },
		{ "was taken over", NOW_S, true, true, false, false },
		{ "was closed already", NOW_S, true, false, true, false },
	};
	tear_down(NULL); /* each row has a broker of its own */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(NULL);
		struct client *client = join(1, 1, "phone", rows[i].expires_at_s);
		client->connected = rows[i].connected;
		client->replaced = rows[i].replaced;
		client->kicked = rows[i].kicked;
		expiry_tick(&broker, MONO_US);
		expiry_tick(&broker, MONO_US + CHECK_US);
		if (nkicked != rows[i].closed)
			fail_msg("%s: closed %zu times", rows[i].name, nkicked);
		client = client_find(&broker.clients, handle(1));
		client->user->nconnected = 0;
		tear_down(NULL);
	}
	set_up(NULL);
}

static void the_client_id_is_whole(void **state)
{
	(void)state;
	join(1, 7, "0123456789012345678901234567890123456789012345678901234567890123", NOW_S);
	expiry_tick(&broker, MONO_US);
	assert_string_equal(last_kicked,
		"07000000-0000-0000-0000-000000000000/"
		"0123456789012345678901234567890123456789012345678901234567890123");
}

static void parley_push_never_expires(void **state)
{
	(void)state;
	struct client *push;
	assert_int_equal(client_add_push(&broker.clients, handle(1), &push), OK);
	join(2, 1, "phone", NOW_S);
	expiry_tick(&broker, MONO_US);
	assert_int_equal(nkicked, 1);
	assert_ptr_equal(client_find(&broker.clients, handle(1)), push);
}

static void the_next_expiry_is_known(void **state)
{
	(void)state;
	join(1, 1, "phone", NOW_S + 50);
	join(2, 2, "phone", NOW_S + 20);
	join(3, 3, "phone", NOW_S);
	assert_int_equal(broker.clients.next_expiry_s, NOW_S);
	expiry_tick(&broker, MONO_US);
	assert_int_equal(nkicked, 1);
	assert_int_equal(broker.clients.next_expiry_s, NOW_S + 20);

	/* nobody is gone through before that */
	int64_t checked_us = broker.expiry_checked_us;
	broker.now_s = NOW_S + 19;
	expiry_tick(&broker, MONO_US + 10 * CHECK_US);
	assert_int_equal(broker.expiry_checked_us, checked_us);
	broker.now_s = NOW_S + 20;
	expiry_tick(&broker, MONO_US + 11 * CHECK_US);
	assert_int_equal(nkicked, 2);
}

static void many_go_in_turns(void **state)
{
	(void)state;
	enum {
		MANY = 2 * BATCH_MAX + 10
	};
	for (uint32_t i = 1; i <= MANY; i++)
		join(i, i, "phone", NOW_S);
	static const size_t expected[] = { BATCH_MAX, 2 * BATCH_MAX, MANY, MANY };
	for (int i = 0; i < 4; i++) {
		expiry_tick(&broker, MONO_US + i * CHECK_US);
		assert_int_equal(nkicked, expected[i]);
		expiry_tick(&broker, MONO_US + i * CHECK_US + CHECK_US - 1);
		assert_int_equal(nkicked, expected[i]);
	}
	assert_int_equal(broker.clients.next_expiry_s, INT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_is_closed),
		TEST(the_client_id_is_whole),
		TEST(parley_push_never_expires),
		TEST(the_next_expiry_is_known),
		TEST(many_go_in_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
