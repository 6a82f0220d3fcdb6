/* Which connection a statement goes to, and what moves when one is late or lost: without a server. */
#include "sql/pipeline.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
	LINKS = 3,
	NOW_US = 1000000000,
	MANY = 4096,
};

static struct pending pendings[MANY];
static char answered[256];

static void answer_note(void *ctx, enum err err, const struct rows *rows)
{
	size_t len = strlen(answered);
	assert_true(err == ERR_UNAVAILABLE && rows == NULL);
	snprintf(answered + len, sizeof(answered) - len, "%c", (int)(intptr_t)ctx);
}

static int pipeline_make(void **state)
{
	struct pipeline *pipeline = pipeline_new("", "test", 5000, LINKS);
	for (int i = 0; i < LINKS; i++)
		pipeline->links[i].state = LINK_READY;
	answered[0] = '\0';
	*state = pipeline;
	return 0;
}

static int pipeline_remove(void **state)
{
	pipeline_free(*state);
	return 0;
}

static struct pending *statement(int i, uint64_t lane)
{
	pendings[i] = (struct pending){
		.lane = lane, .answer = answer_note, .ctx = (void *)(intptr_t)('a' + i)
	};
	return &pendings[i];
}

/* As if it had been sent, without a connection. */
static void send_waiting(struct pipeline *pipeline, struct link *link, size_t count, int64_t now_us)
{
	for (size_t i = 0; i < count; i++) {
		struct pending *pending = queue_take(&link->waiting);
		pending->sent_us = now_us;
		lane_of(pipeline, pending)->nsent++;
		queue_add(&link->sent, pending);
	}
}

/* Submits one statement for each letter, of the lane that it names; they are then a, b, c … */
static void submit(struct pipeline *pipeline, const char *lanes)
{
	for (int i = 0; lanes[i] != '\0'; i++)
		pipeline_submit(pipeline, statement(i, (uint64_t)lanes[i]), NOW_US);
}

static void check_queue(const struct queue *queue, const char *expected)
{
	char found[64] = "";
	size_t len = 0;
	for (const struct pending *p = queue->first; p != NULL; p = p->next)
		found[len++] = (char)('a' + (p - pendings));
	found[len] = '\0';
	assert_string_equal(found, expected);
	assert_int_equal(queue->count, len);
}

static void a_lane_stays_together_and_others_spread(void **state)
{
	struct pipeline *pipeline = *state;
	submit(pipeline, "112131");
	check_queue(&pipeline->links[0].waiting, "abdf");
	check_queue(&pipeline->links[1].waiting, "c");
	check_queue(&pipeline->links[2].waiting, "e");
}

static void what_waits_behind_a_late_statement_moves_in_its_order(void **state)
{
	struct pipeline *pipeline = *state;
	pipeline->nlinks = 1;
	submit(pipeline, "12132332");
	pipeline->nlinks = LINKS;
	send_waiting(pipeline, &pipeline->links[0], 1, NOW_US);
	link_unload(pipeline, &pipeline->links[0], NOW_US + LATE_US);
	check_queue(&pipeline->links[0].sent, "a");
	check_queue(&pipeline->links[0].waiting, "c");
	check_queue(&pipeline->links[1].waiting, "beh");
	check_queue(&pipeline->links[2].waiting, "dfg");
}

static void a_lane_is_free_to_go_when_all_of_it_is_answered(void **state)
{
	struct pipeline *pipeline = *state;
	submit(pipeline, "12");
	send_waiting(pipeline, &pipeline->links[0], 1, NOW_US);
	lane_of(pipeline, &pendings[0])->nsent--;
	pending_answer(pipeline, queue_take(&pipeline->links[0].sent), ERR_UNAVAILABLE);
	pipeline->links[0].state = LINK_CONNECTING;
	pipeline_submit(pipeline, statement(2, '1'), NOW_US);
	check_queue(&pipeline->links[2].waiting, "c");
	assert_int_equal(pipeline_count(pipeline), 2);
}

static void what_was_under_way_on_a_lost_connection_goes_first_on_another(void **state)
{
	struct pipeline *pipeline = *state;
	const struct pollfd fds[LINKS] = { 0 };
	pipeline->nlinks = 1;
	submit(pipeline, "1121");
	pipeline->nlinks = LINKS;
	send_waiting(pipeline, &pipeline->links[0], 2, NOW_US);
	link_lose(pipeline, &pipeline->links[0], "cut", NOW_US);
	check_queue(&pipeline->links[0].waiting, "abcd");
	link_run(pipeline, &pipeline->links[0], fds[0].revents, NOW_US);
	check_queue(&pipeline->links[0].waiting, "");
	check_queue(&pipeline->links[1].waiting, "abd");
	check_queue(&pipeline->links[2].waiting, "c");
}

static void nothing_waits_for_a_connection_that_cannot_be_made(void **state)
{
	struct pipeline *pipeline = *state;
	submit(pipeline, "123");
	pipeline->links[1].state = LINK_CONNECTING;
	pipeline->links[1].connecting_us = NOW_US;
	link_run(pipeline, &pipeline->links[1], 0, NOW_US + LATE_US - 1);
	check_queue(&pipeline->links[1].waiting, "b");
	link_run(pipeline, &pipeline->links[1], 0, NOW_US + LATE_US);
	check_queue(&pipeline->links[1].waiting, "");
	check_queue(&pipeline->links[0].waiting, "ab");
}

static void what_waited_for_too_long_is_answered_and_the_rest_keeps_its_order(void **state)
{
	struct pipeline *pipeline = *state;
	struct link *link = &pipeline->links[0];
	pipeline->nlinks = 1;
	submit(pipeline, "123456");
	pendings[1].submitted_us = pendings[4].submitted_us = NOW_US - UNSENT_MAX_US;
	send_waiting(pipeline, link, 1, NOW_US);
	link_expire(pipeline, link, NOW_US);
	assert_string_equal(answered, "be");
	check_queue(&link->sent, "a");
	check_queue(&link->waiting, "cdf");
	assert_int_equal(pipeline_count(pipeline), 4);
	pipeline->nlinks = LINKS;
}

static void all_are_answered_at_the_end(void **state)
{
	struct pipeline *pipeline = *state;
	submit(pipeline, "1112");
	send_waiting(pipeline, &pipeline->links[0], 2, NOW_US);
	pipeline_free(pipeline);
	assert_string_equal(answered, "abcd");
	*state = NULL;
}

static void thousands_that_wait_are_moved_in_no_time(void **state)
{
	struct pipeline *pipeline = *state;
	for (int i = 0; i < MANY; i++)
		pipeline_submit(pipeline, statement(i, (uint64_t)i), NOW_US);
	for (int i = 0; i < LINKS; i++)
		send_waiting(pipeline, &pipeline->links[i], DEPTH, NOW_US);
	int64_t begin_us = time_mono_us();
	for (int turn = 0; turn < 10; turn++) {
		for (int i = 0; i < LINKS; i++)
			link_unload(pipeline, &pipeline->links[i], NOW_US + LATE_US);
	}
	int64_t took_us = time_mono_us() - begin_us;
	if (took_us > 200000)
		fail_msg("%lld us", (long long)took_us);
	answered[0] = '\0';
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_lane_stays_together_and_others_spread, pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(
			what_waits_behind_a_late_statement_moves_in_its_order, pipeline_make,
			pipeline_remove),
		cmocka_unit_test_setup_teardown(a_lane_is_free_to_go_when_all_of_it_is_answered,
			pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(
			what_was_under_way_on_a_lost_connection_goes_first_on_another,
			pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(nothing_waits_for_a_connection_that_cannot_be_made,
			pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(
			what_waited_for_too_long_is_answered_and_the_rest_keeps_its_order,
			pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(
			all_are_answered_at_the_end, pipeline_make, pipeline_remove),
		cmocka_unit_test_setup_teardown(
			thousands_that_wait_are_moved_in_no_time, pipeline_make, pipeline_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
