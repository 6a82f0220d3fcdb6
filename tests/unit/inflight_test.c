/* What is outstanding, and up to where the WAL may be confirmed. */
#include "push/inflight.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	WINDOW = 4,
	BURST = 2
};

/*
 * A case is a line of steps: p5 publishes with id 5, n5 and s5 do so in two steps, others between them, a5 acknowledges what left with 5, x5 is an acknowledgement
 * that belongs to nothing, c100 ends a transaction at 100, r begins the stream anew; =100 expects
 * 100 as confirmed, o2 two outstanding, + room, - none.
 */
static void step_run(struct inflight *inflight, const char *line, char what, int number)
{
	int64_t since_us = -1;
	size_t count = 0, before = inflight_outstanding(inflight);
	switch (what) {
	case 'p':
		inflight_publish(inflight, number * 10);
		inflight_sent(inflight, number);
		return;
	case 'n':
		inflight_publish(inflight, number * 10);
		return;
	case 's':
		inflight_sent(inflight, number);
		return;
	case 'a':
		if (inflight_ack(inflight, number, &since_us, &count) != OK ||
			since_us != number * 10 || count == 0 ||
			before - inflight_outstanding(inflight) != count)
			fail_msg("%s: a%d gave %lld", line, number, (long long)since_us);
		return;
	case 'x':
		if (inflight_ack(inflight, number, &since_us, &count) != ERR_NOT_FOUND ||
			since_us != -1)
			fail_msg("%s: x%d was taken", line, number);
		return;
	case 'c':
		inflight_commit(inflight, (lsn_t)number);
		return;
	case 'r':
		inflight_restart(inflight);
		return;
	case '=':
		if (inflight_confirmed(inflight) != (lsn_t)number)
			fail_msg("%s: =%d is %d", line, number, (int)inflight_confirmed(inflight));
		return;
	case 'o':
		if (inflight_outstanding(inflight) != (size_t)number)
			fail_msg("%s: o%d is %zu", line, number, inflight_outstanding(inflight));
		return;
	case '+':
	case '-':
		if (inflight_has_room(inflight) != (what == '+'))
			fail_msg("%s: %c", line, what);
		return;
	default:
		fail_msg("%s: no such step: %c", line, what);
	}
}

static void line_run(const char *line)
{
	struct inflight *inflight = inflight_new(WINDOW, BURST);
	for (const char *at = line; *at != '\0';) {
		char what = *at++;
		int number = 0;
		for (; *at >= '0' && *at <= '9'; at++)
			number = number * 10 + (*at - '0');
		step_run(inflight, line, what, number);
		at += *at == ' ';
	}
	inflight_free(inflight);
}

static void positions_are_confirmed_when_all_before_is_acknowledged(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"=0 o0 +",
		/* one transaction */
		"p1 o1 =0 c100 =0 a1 =100 o0",
		/* acknowledged before its end was read */
		"p1 a1 =0 c100 =100",
		/* without a publish */
		"c100 =100 c200 =200",
		/* one behind another */
		"p1 c100 p2 c200 a1 =100 a2 =200",
		/* out of order: the first holds everything back */
		"p1 c100 p2 c200 a2 =0 o1 a1 =200 o0",
		/* a transaction of several */
		"p1 p2 p3 c100 a1 a3 =0 a2 =100",
		/* ends without publishes after one that waits */
		"p1 c100 c110 c120 c130 c140 c150 c160 c170 c180 c190 c200 c210 =0 a1 =210",
		"p1 c100 c200 p2 c300 c400 a1 =200 a2 =400",
		/* several in one packet: their transactions are over, and wait for its acknowledgement */
		"n1 c100 n1 n1 c200 o3 =0 s1 o3 =0 a1 =200 o0",
		"p1 c100 n2 c200 n2 c300 s2 n3 s3 c400 a2 =0 a1 =300 a3 =400",
		/* what has not left cannot be acknowledged */
		"n1 c100 x1 =0 s1 a1 =100",
		/* the same id again, when it is free */
		"n1 n1 c100 s1 a1 =100 n1 c200 s1 =100 a1 =200",
		/* an end that is not behind, as after a repeat, takes nothing back */
		"c200 =200 c100 =200",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_run(lines[i]);
}

static void acknowledgements_that_belong_to_nothing_change_nothing(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"x1 o0 =0",
		"p1 c100 x2 =0 o1 a1 =100",
		"p1 p2 c100 a1 x1 =0 o1 a2 =100 x2 =100 o0",
		/* acknowledged out of order, and once more */
		"p1 p2 c100 a2 x2 o1 a1 =100",
		/* the id comes back */
		"p1 c100 a1 p1 c200 =100 a1 =200",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_run(lines[i]);
}

static void the_window_is_what_is_held(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"p1 p2 p3 + p4 - a1 + p5 -",
		/* a burst over the window */
		"p1 p2 p3 p4 p5 p6 - o6 a1 a2 - a3 + c100 a4 a5 a6 =100",
		/* what is acknowledged behind one that waits still takes up room */
		"p1 p2 p3 p4 a2 a3 a4 o1 - a1 + o0",
		/* ends take none */
		"p1 c1 p2 c2 p3 c3 + p4 c4 - a1 =1 +",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_run(lines[i]);
}

static void a_new_stream_forgets_positions_but_not_publishes(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"c100 =100 r =0",
		"p1 c100 r o1 a1 =0 o0",
		/* what is left of the old stream comes before what is new */
		"p1 c100 r p2 c50 a2 =0 a1 =50",
		"p1 c100 r c50 =0 a1 =50",
		"p1 p2 p3 p4 c100 r - a1 +",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		line_run(lines[i]);
}

/* Many times round the ring, always as full as can be. */
static void the_ring_never_fills(void **state)
{
	(void)state;
	struct inflight *inflight = inflight_new(WINDOW, BURST);
	int64_t since_us;
	size_t count;
	int next = 1, oldest = 1;
	for (int round = 0; round < 1000; round++) {
		while (inflight_has_room(inflight)) {
			for (int i = 0; i < BURST; i++, next++) {
				inflight_publish(inflight, next);
				inflight_sent(inflight, next);
				inflight_commit(inflight, (lsn_t)next);
			}
		}
		for (int i = 0; i < 1 + round % WINDOW; i++, oldest++) {
			if (inflight_ack(inflight, oldest, &since_us, &count) != OK ||
				since_us != oldest)
				fail_msg("round %d: %d", round, oldest);
			assert_int_equal(inflight_confirmed(inflight), oldest);
		}
		assert_int_equal(inflight_outstanding(inflight), next - oldest);
	}
	inflight_free(inflight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(positions_are_confirmed_when_all_before_is_acknowledged),
		cmocka_unit_test(acknowledgements_that_belong_to_nothing_change_nothing),
		cmocka_unit_test(the_window_is_what_is_held),
		cmocka_unit_test(a_new_stream_forgets_positions_but_not_publishes),
		cmocka_unit_test(the_ring_never_fills),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
