/* The plugin's tables: connections are counted right whatever order the broker tells of them in. */
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

static struct clients clients;

static int set_up(void **state)
{
	(void)state;
	blocks_left = -1;
	return clients_init(&clients) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	clients_free(&clients);
	return blocks_used == 0 ? 0 : -1;
}

static const struct mosquitto *handle(uintptr_t number)
{
	return (const struct mosquitto *)(number * 1072);
}

static struct uuid user_id(uint32_t number)
{
	struct uuid id = { { 0 } };
	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static enum err add(uintptr_t number, uint32_t user, const char *device, struct client **out)
{
	struct claims claims = { .user_id = user_id(user), .expires_at_s = 100 };
	claims.session_id = user_id((uint32_t)number + 1000000);
	return client_add(&clients, handle(number), &claims, device, out);
}

static struct client *join(uintptr_t number, uint32_t user, const char *device)
{
	struct client *client = NULL;
	assert_int_equal(add(number, user, device, &client), OK);
	return client;
}

static struct user *find(uint32_t user)
{
	struct uuid id = user_id(user);
	return user_find(&clients, &id);
}

static void leave(uintptr_t number, int64_t due_us)
{
	client_leave(&clients, handle(number), 7000, due_us);
}

static void check_user(
	uint32_t number, unsigned nclients, unsigned nconnected, enum user_place place)
{
	const struct user *user = find(number);
	assert_non_null(user);
	assert_int_equal(user->nclients, nclients);
	assert_int_equal(user->nconnected, nconnected);
	assert_int_equal(user->place, place);
}

static void one_comes_and_goes(void **state)
{
	(void)state;
	assert_null(find(1));
	assert_null(client_find(&clients, handle(1)));
	struct client *client = join(1, 1, "phone");
	assert_ptr_equal(client_find(&clients, handle(1)), client);
	assert_string_equal(client->device, "phone");
	check_user(1, 1, 1, USER_PRESENT);
	assert_int_equal(clients.next_expiry_s, 100);

	leave(1, 500);
	check_user(1, 1, 0, USER_LEAVING);
	assert_int_equal(find(1)->left_at_us, 7000);
	assert_non_null(client_find(&clients, handle(1)));
	assert_null(user_due(&clients.leaving, 499));
	struct user *user = user_due(&clients.leaving, 500);
	assert_ptr_equal(user, find(1));
	assert_null(user_due(&clients.leaving, 500));

	user_gone(&clients, user, 900);
	check_user(1, 1, 0, USER_GONE);
	assert_null(user_due(&clients.gone, 899));
	assert_ptr_equal(user_due(&clients.gone, 900), user);
	user_drop(&clients, user);
	assert_null(find(1));
	assert_null(client_find(&clients, handle(1)));
}

static void the_second_device_counts(void **state)
{
	(void)state;
	join(1, 1, "phone");
	join(2, 1, "laptop");
	check_user(1, 2, 2, USER_PRESENT);
	leave(1, 500);
	check_user(1, 2, 1, USER_PRESENT);
	assert_null(clients.leaving.first);
	leave(2, 600);
	check_user(1, 2, 0, USER_LEAVING);
	assert_int_equal(find(1)->due_us, 600);
}

static void a_takeover_does_not_touch_zero(void **state)
{
	(void)state;
	struct client *older = join(1, 1, "phone");
	join(2, 1, "phone");
	assert_true(older->replaced);
	check_user(1, 2, 2, USER_PRESENT);
	leave(1, 500);
	check_user(1, 1, 1, USER_PRESENT);
	assert_null(client_find(&clients, handle(1)));
	leave(2, 600);
	check_user(1, 1, 0, USER_LEAVING);
}

static void a_return_ends_the_leave(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		join(1, 1, "phone");
		check_user(1, 1, 1, USER_PRESENT);
		assert_null(clients.leaving.first);
		leave(1, 500);
	}
	user_gone(&clients, user_due(&clients.leaving, 500), 900);
	join(2, 1, "phone");
	check_user(1, 1, 1, USER_PRESENT);
	assert_null(clients.gone.first);
	assert_null(clients.gone.last);
}

static void the_end_of_a_refused_login_is_nothing(void **state)
{
	(void)state;
	leave(9, 500);
	join(1, 1, "phone");
	leave(1, 500);
	leave(1, 800);
	assert_int_equal(find(1)->due_us, 500);
	check_user(1, 1, 0, USER_LEAVING);
}

static void a_handle_that_is_used_again_is_somebody_else(void **state)
{
	(void)state;
	join(1, 1, "phone");
	leave(1, 500);
	join(1, 2, "phone");
	check_user(1, 0, 0, USER_LEAVING);
	check_user(2, 1, 1, USER_PRESENT);
	client_forget(&clients, handle(1));
	assert_null(client_find(&clients, handle(1)));
	check_user(2, 0, 0, USER_LEAVING); /* its end was never told */
}

static void queues_keep_their_order(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		join(i, i, "phone");
	for (uint32_t i = 1; i <= 5; i++)
		leave(i, 100 * i);
	join(6, 3, "phone"); /* from the middle */
	join(7, 1, "phone"); /* from the front */
	join(8, 5, "phone"); /* from the end */
	assert_ptr_equal(user_due(&clients.leaving, 1000), find(2));
	assert_ptr_equal(user_due(&clients.leaving, 1000), find(4));
	assert_null(user_due(&clients.leaving, 1000));
	assert_null(clients.leaving.first);
	assert_null(clients.leaving.last);
}

static void connections_of_a_user_are_bounded(void **state)
{
	(void)state;
	struct client *client = NULL;
	char device[16];
	for (uintptr_t i = 1; i <= CLIENTS_PER_USER_MAX; i++) {
		snprintf(device, sizeof(device), "d%d", (int)i);
		join(i, 1, device);
	}
	assert_int_equal(add(99, 1, "one-more", &client), ERR_RATE_LIMITED);
	assert_null(client);
	assert_false(client_find(&clients, handle(5))->replaced);
	join(100, 1, "d5");
	assert_true(client_find(&clients, handle(5))->replaced);
	leave(5, 500);

	/* of those without a connection the oldest makes room */
	leave(7, 500);
	leave(3, 500);
	join(101, 1, "one-more");
	assert_null(client_find(&clients, handle(3)));
	assert_non_null(client_find(&clients, handle(7)));
	check_user(1, CLIENTS_PER_USER_MAX, CLIENTS_PER_USER_MAX - 1, USER_PRESENT);
}

static void parley_push_is_nobody(void **state)
{
	(void)state;
	struct client *client;
	assert_int_equal(client_add_push(&clients, handle(1), &client), OK);
	assert_null(client->user);
	assert_ptr_equal(client_find(&clients, handle(1)), client);
	leave(1, 500);
	assert_null(client_find(&clients, handle(1)));
	assert_int_equal(clients.users.count, 0);
}

static void without_memory_nothing_is_left_behind(void **state)
{
	(void)state;
	struct client *client = NULL;
	for (blocks_left = 0; blocks_left < 2;) {
		long tried = blocks_left;
		assert_int_equal(add(1, 1, "phone", &client), ERR_UNAVAILABLE);
		assert_null(client);
		assert_int_equal(clients.users.count + clients.by_handle.count, 0);
		assert_int_equal(clients.by_session.count, 0);
		blocks_left = tried + 1;
	}
	blocks_left = 0;
	assert_int_equal(client_add_push(&clients, handle(1), &client), ERR_UNAVAILABLE);
	blocks_left = -1;
	join(1, 1, "phone");

	struct clients none;
	for (long blocks = 0; blocks < 3; blocks++) {
		blocks_left = blocks;
		assert_int_equal(clients_init(&none), ERR_UNAVAILABLE);
		clients_free(&none);
	}
	blocks_left = -1;
}

/* As they grow, and while they cannot. */
static void many_are_found(void **state)
{
	(void)state;
	enum {
		MANY = 20000
	};
	for (uint32_t i = 1; i <= MANY; i++) {
		blocks_largest = i > MANY / 2 ? 1 : SIZE_MAX;
		join(i, i, "phone");
	}
	blocks_largest = SIZE_MAX;
	for (uint32_t i = 1; i <= MANY; i++) {
		const struct client *client = client_find(&clients, handle(i));
		assert_non_null(client);
		assert_ptr_equal(client->user, find(i));
	}
	assert_null(find(MANY + 1));
	for (uint32_t i = 1; i <= MANY; i += 2) {
		leave(i, i);
		user_drop(&clients, user_due(&clients.leaving, i));
	}
	for (uint32_t i = 1; i <= MANY; i++)
		assert_int_equal(find(i) != NULL, i % 2 == 0);
	assert_int_equal(clients.users.count, MANY / 2);
}

static void a_full_table_refuses(void **state)
{
	(void)state;
	struct client *client = NULL;
	clients.users.max = 2;
	clients.by_handle.max = 3;
	join(1, 1, "phone");
	join(2, 2, "phone");
	assert_int_equal(add(3, 3, "phone", &client), ERR_UNAVAILABLE);
	join(3, 1, "laptop");
	assert_int_equal(add(4, 2, "laptop", &client), ERR_UNAVAILABLE);
	check_user(2, 1, 1, USER_PRESENT);
	clients.by_handle.max = 4;
	clients.by_session.max = 3;
	assert_int_equal(add(4, 2, "laptop", &client), ERR_UNAVAILABLE);
	assert_int_equal(clients.by_handle.count, 3);
	check_user(2, 1, 1, USER_PRESENT);
}

static void a_session_finds_its_connections(void **state)
{
	(void)state;
	struct claims claims = { .user_id = user_id(1), .session_id = user_id(7) };
	struct uuid other = user_id(8);
	struct client *phone, *laptop;
	join(1, 1, "tablet");
	assert_null(client_of_session(&clients, &claims.session_id));
	assert_int_equal(client_add(&clients, handle(2), &claims, "phone", &phone), OK);
	assert_int_equal(client_add(&clients, handle(3), &claims, "laptop", &laptop), OK);
	assert_null(client_of_session(&clients, &other));

	/* each once, with and without a connection */
	leave(2, 500);
	struct client *first = client_of_session(&clients, &claims.session_id);
	assert_true(first == phone || first == laptop);
	first->revoked = true;
	struct client *second = client_of_session(&clients, &claims.session_id);
	assert_true(second == (first == phone ? laptop : phone));
	second->revoked = true;
	assert_null(client_of_session(&clients, &claims.session_id));

	/* and none that is gone */
	second->revoked = first->revoked = false;
	client_forget(&clients, handle(2));
	client_forget(&clients, handle(3));
	assert_null(client_of_session(&clients, &claims.session_id));
}

static void who_listens_is_counted(void **state)
{
	(void)state;
	struct client *first, *second;
	assert_int_equal(client_add_push(&clients, handle(1), &first), OK);
	assert_int_equal(client_add_push(&clients, handle(2), &second), OK);
	assert_int_equal(clients.nlistening, 0);
	client_listen(&clients, first, true);
	client_listen(&clients, first, true);
	assert_int_equal(clients.nlistening, 1);
	client_listen(&clients, second, true);
	client_listen(&clients, first, false);
	client_listen(&clients, first, false);
	assert_int_equal(clients.nlistening, 1);
	leave(1, 500);
	assert_int_equal(clients.nlistening, 1);
	leave(2, 500);
	assert_int_equal(clients.nlistening, 0);
}

static void who_is_of_a_provider_and_not_known_expires_when_told(void **state)
{
	(void)state;
	struct client *own = join(1, 1, "phone");
	struct client *known = join(2, 2, "phone"), *unknown = join(3, 3, "phone");
	struct client *away = join(4, 4, "phone");
	known->external = unknown->external = away->external = true;
	leave(4, 500);
	clients_know(&clients, &known->session_id);
	clients_know(&clients, &own->session_id);
	clients.next_expiry_s = 100;
	clients_expire_unknown(&clients);
	assert_int_equal(clients.next_expiry_s, 0);
	assert_int_equal(unknown->expires_at_s, 0);
	assert_int_equal(known->expires_at_s, 100);
	assert_int_equal(own->expires_at_s, 100);
	assert_int_equal(away->expires_at_s, 100);

	/* a session is known on every connection, and nobody is disturbed who is */
	clients_know(&clients, &unknown->session_id);
	clients.next_expiry_s = 100;
	clients_expire_unknown(&clients);
	assert_int_equal(clients.next_expiry_s, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_comes_and_goes),
		TEST(the_second_device_counts),
		TEST(a_takeover_does_not_touch_zero),
		TEST(a_return_ends_the_leave),
		TEST(the_end_of_a_refused_login_is_nothing),
		TEST(a_handle_that_is_used_again_is_somebody_else),
		TEST(queues_keep_their_order),
		TEST(connections_of_a_user_are_bounded),
		TEST(parley_push_is_nobody),
		TEST(a_session_finds_its_connections),
		TEST(who_listens_is_counted),
		TEST(without_memory_nothing_is_left_behind),
		TEST(many_are_found),
		TEST(a_full_table_refuses),
		TEST(who_is_of_a_provider_and_not_known_expires_when_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
