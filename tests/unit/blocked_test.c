/* Blocked pairs: hidden until they are not, told anew as a whole, and nobody watches when one found no room. */
#include "push/broker/blocked.c"
#include "push/broker/table.c"
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
static struct blocked *const blocked = &broker.blocked;
static size_t nlines;

static void line_count(enum log_level level, const char *line)
{
	(void)level, (void)line;
	nlines++;
}

static int set_up(void **state)
{
	(void)state;
	nlines = 0;
	blocks_left = -1;
	log_sink(line_count);
	return blocked_init(blocked) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	blocked_free(blocked);
	return blocks_used == 0 ? 0 : -1;
}

static struct uuid id_of(uint32_t number)
{
	struct uuid id = { { 0 } };
	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static void add(uint32_t watched, uint32_t watcher)
{
	struct uuid one = id_of(watched), other = id_of(watcher);
	blocked_add(blocked, &one, &other);
}

static void take_away(uint32_t watched, uint32_t watcher)
{
	struct uuid one = id_of(watched), other = id_of(watcher);
	blocked_remove(blocked, &one, &other);
}

static bool covers(uint32_t watched, uint32_t watcher)
{
	struct uuid one = id_of(watched), other = id_of(watcher);
	return blocked_covers(blocked, &one, &other);
}

static void a_pair_is_hidden_one_way_until_it_is_not(void **state)
{
	(void)state;
	assert_false(covers(1, 2));
	add(1, 2);
	add(1, 2);
	assert_int_equal(blocked->table.count, 1);
	assert_true(covers(1, 2));
	assert_false(covers(2, 1));
	assert_false(covers(1, 3));
	assert_false(covers(3, 2));
	take_away(2, 1);
	assert_true(covers(1, 2));
	take_away(1, 2);
	take_away(1, 2);
	assert_false(covers(1, 2));
	assert_int_equal(blocked->table.count, 0);
}

static void many_are_told_apart(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		add(i, i + 1);
	for (uint32_t i = 0; i < 300; i += 2)
		take_away(i, i + 1);
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(covers(i, i + 1), i % 2);
		assert_false(covers(i + 1, i));
	}
}

static void what_is_not_told_anew_is_forgotten_at_the_end_and_not_before(void **state)
{
	(void)state;
	add(1, 2);
	add(1, 3);
	blocked_end(blocked);
	assert_true(covers(1, 2) && covers(1, 3));
	for (int round = 0; round < 2; round++) {
		blocked_begin(blocked);
		assert_true(covers(1, 2));
		add(1, 2);
		add(1, 4);
		assert_int_equal(covers(1, 3), round == 0);
		blocked_end(blocked);
		assert_true(covers(1, 2) && covers(1, 4));
		assert_false(covers(1, 3));
	}
	blocked_begin(blocked);
	blocked_end(blocked);
	assert_int_equal(blocked->table.count, 0);
}

static void without_memory_nobody_watches_anybody_else(void **state)
{
	(void)state;
	add(1, 2);
	blocks_left = 0;
	add(3, 4);
	add(3, 5);
	assert_int_equal(nlines, 1);
	assert_true(covers(1, 2) && covers(3, 4) && covers(8, 9));
	assert_false(covers(9, 9));
	/* what was not kept cannot be taken back: it stays so until all are told */
	take_away(3, 4);
	assert_true(covers(8, 9));
	blocked_begin(blocked);
	add(3, 5);
	blocked_end(blocked);
	assert_true(covers(8, 9));
	assert_int_equal(nlines, 1);
	blocks_left = -1;
	blocked_begin(blocked);
	add(1, 2);
	assert_true(covers(8, 9));
	blocked_end(blocked);
	assert_false(covers(8, 9));
	assert_true(covers(1, 2));
}

static void they_are_bounded(void **state)
{
	(void)state;
	blocked->table.max = 2;
	add(1, 2);
	add(1, 3);
	add(1, 3);
	assert_false(covers(8, 9));
	add(1, 4);
	assert_int_equal(blocked->table.count, 2);
	assert_true(covers(8, 9));
	assert_int_equal(nlines, 1);
}

static void verbs_bring_pairs(void **state)
{
	(void)state;
	char lines[4 * ID_BYTES];
	static const uint32_t numbers[] = { 1, 2, 3, 4 };
	for (size_t i = 0; i < 4; i++) {
		struct uuid id = id_of(numbers[i]);
		uuid_format(&id, lines + i * ID_BYTES);
		lines[i * ID_BYTES + UUID_TEXT_LEN] = '\n';
	}
	struct control control = { .ids = { lines, sizeof(lines) }, .nids = 4 };
	blocked_receive(&broker, &control);
	assert_true(covers(1, 2) && covers(3, 4));
	assert_false(covers(2, 3));
	control.ids.len = 2 * ID_BYTES;
	blocked_receive_end(&broker, &control);
	assert_false(covers(1, 2));
	assert_true(covers(3, 4));
}

static void it_does_not_begin_without_memory(void **state)
{
	(void)state;
	struct blocked other;
	blocks_left = 0;
	assert_int_equal(blocked_init(&other), ERR_UNAVAILABLE);
	blocked_free(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_is_hidden_one_way_until_it_is_not),
		TEST(many_are_told_apart),
		TEST(what_is_not_told_anew_is_forgotten_at_the_end_and_not_before),
		TEST(without_memory_nobody_watches_anybody_else),
		TEST(they_are_bounded),
		TEST(verbs_bring_pairs),
		TEST(it_does_not_begin_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
