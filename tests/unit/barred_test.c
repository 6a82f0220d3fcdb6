/* Barred users: refused until they may again, closed at once, and told anew as a whole. */
#include "push/broker/barred.c"
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

static struct broker broker;
static size_t nlines;
static size_t nclosed;

/* revoked.c's, which is tested there: the end of the connection is told before it returns. */
void revoked_close(struct client *client)
{
	client->revoked = true;
	nclosed++;
	client_leave(&broker.clients, client->handle, 0, 0);
}

static void line_count(enum log_level level, const char *line)
{
	(void)level, (void)line;
	nlines++;
}

static int set_up(void **state)
{
	(void)state;
	broker = (struct broker){ 0 };
	nclosed = nlines = 0;
	blocks_left = -1;
	log_sink(line_count);
	return clients_init(&broker.clients) == OK && barred_init(&broker.barred) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	barred_free(&broker.barred);
	clients_free(&broker.clients);
	return blocks_used == 0 ? 0 : -1;
}

static struct uuid id_of(uint32_t number)
{
	struct uuid id = { { 0 } };
	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static struct control control_of(uint32_t user)
{
	static char line[ID_BYTES];
	struct uuid id = id_of(user);
	uuid_format(&id, line);
	line[UUID_TEXT_LEN] = '\n';
	return (struct control){ .ids = { line, sizeof(line) }, .nids = 1 };
}

static void bar(uint32_t user)
{
	struct control control = control_of(user);
	barred_receive(&broker, &control);
}

static void unbar(uint32_t user)
{
	struct control control = control_of(user);
	barred_receive_end(&broker, &control);
}

/* Which of the users 1 to 6 are barred, as a text of their numbers. */
static const char *barred_ones(void)
{
	static char text[8];
	size_t len = 0;
	for (uint32_t user = 1; user <= 6; user++) {
		struct uuid id = id_of(user);
		if (barred_covers(&broker.barred, &id))
			text[len++] = (char)('0' + user);
	}
	text[len] = '\0';
	return text;
}

static void who_is_barred_is_until_the_end_of_it(void **state)
{
	(void)state;
	assert_string_equal(barred_ones(), "");
	bar(1);
	bar(2);
	bar(1);
	assert_string_equal(barred_ones(), "12");
	unbar(1);
	unbar(3);
	unbar(1);
	assert_string_equal(barred_ones(), "2");
	bar(1);
	unbar(2);
	assert_string_equal(barred_ones(), "1");
	assert_int_equal(broker.barred.table.count, 1);
}

static void who_is_not_told_of_anew_is_barred_no_longer(void **state)
{
	(void)state;
	bar(1);
	bar(2);
	bar(3);
	barred_end(&broker.barred);
	assert_string_equal(barred_ones(), "123");
	barred_begin(&broker.barred);
	bar(2);
	assert_string_equal(barred_ones(), "123");
	bar(4);
	unbar(5);
	barred_end(&broker.barred);
	assert_string_equal(barred_ones(), "24");
	barred_end(&broker.barred);
	assert_string_equal(barred_ones(), "24");
	/* told by halves, and begun again for another connection */
	barred_begin(&broker.barred);
	bar(4);
	barred_begin(&broker.barred);
	bar(2);
	barred_end(&broker.barred);
	assert_string_equal(barred_ones(), "2");
	barred_begin(&broker.barred);
	barred_end(&broker.barred);
	assert_int_equal(broker.barred.table.count, 0);
	assert_null(broker.barred.first);
	assert_null(broker.barred.last);
}

static void beyond_the_bound_the_one_told_first_is_forgotten(void **state)
{
	(void)state;
	broker.barred.table.max = 3;
	for (uint32_t user = 1; user <= 3; user++)
		bar(user);
	bar(1);
	bar(4);
	assert_string_equal(barred_ones(), "134");
	bar(5);
	bar(6);
	assert_string_equal(barred_ones(), "456");
	assert_int_equal(nlines, 0);
}

static void without_memory_it_is_said_and_the_connections_are_closed(void **state)
{
	(void)state;
	bar(1);
	struct claims claims = { .user_id = id_of(2), .session_id = id_of(7) };
	struct client *client;
	assert_int_equal(client_add(&broker.clients, (const struct mosquitto *)1072, &claims,
				 "phone", &client),
		OK);
	blocks_left = 0;
	bar(2);
	bar(1);
	assert_string_equal(barred_ones(), "1");
	assert_int_equal(nlines, 1);
	assert_true(client->revoked && !client->connected);
}

static void every_entry_of_the_user_is_closed_once_and_of_nobody_else(void **state)
{
	(void)state;
	static const struct {
		uint32_t user, session;
		const char *device;
	} rows[] = {
		{ 1, 7, "phone" },
		{ 1, 7, "laptop" },
		{ 1, 8, "tablet" },
		{ 2, 9, "phone" },
	};
	struct client *clients[4];
	for (size_t i = 0; i < 4; i++) {
		struct claims claims = { .user_id = id_of(rows[i].user),
			.session_id = id_of(rows[i].session) };
		assert_int_equal(
			client_add(&broker.clients, (const struct mosquitto *)((i + 1) * 1072),
				&claims, rows[i].device, &clients[i]),
			OK);
	}
	client_leave(&broker.clients, clients[0]->handle, 0, 0);
	bar(1);
	bar(1);
	assert_int_equal(nclosed, 3);
	assert_true(clients[0]->revoked && clients[1]->revoked && clients[2]->revoked);
	assert_true(clients[3]->connected && !clients[3]->revoked);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_is_barred_is_until_the_end_of_it),
		TEST(who_is_not_told_of_anew_is_barred_no_longer),
		TEST(beyond_the_bound_the_one_told_first_is_forgotten),
		TEST(without_memory_it_is_said_and_the_connections_are_closed),
		TEST(every_entry_of_the_user_is_closed_once_and_of_nobody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
