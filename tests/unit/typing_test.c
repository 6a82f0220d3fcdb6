/* Who is told what, whatever happens while the others are being found out. */
#include "push/typing.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct uuid room = { { 1 } }, other_room = { { 1, 1 } };
static const struct uuid alice = { { 0xa } }, bob = { { 0xb } }, carol = { { 0xc } };

static char told[256];

bool mqtt_ready(const struct mqtt *mqtt)
{
	(void)mqtt;
	return true;
}

/* "+bc": a start to Bob and Carol; "-b": a stop to Bob */
enum err fanout_deliver(struct fanout *fanout, const struct delivery *delivery, bool awaited)
{
	(void)fanout;
	assert_true(delivery->qos == 0 && delivery->expiry_s == 3 && !awaited);
	bool starts = memmem(delivery->payload.ptr, delivery->payload.len, "typing.started", 14);
	size_t len = strlen(told);
	told[len++] = starts ? '+' : '-';
	for (size_t i = 0; i < delivery->nrecipients; i++)
		told[len++] = (char)('a' + delivery->recipients[i].bytes[0] - 0xa);
	told[len] = '\0';
	return OK;
}

static void event_take(
	struct typing *typing, enum event_type type, const struct uuid *in, const struct uuid *who)
{
	struct event event = { .type = type, .conversation_id = *in };
	if (type == EVENT_MESSAGE_CREATED)
		event.data.message.sender_id = *who;
	else
		event.data.member.user_id = *who;
	typing_event(typing, &event);
}

/* One letter of a script: what happens. False: it is none. */
static bool step(struct typing *typing, char letter, int64_t now_us)
{
	static const struct uuid both[] = { { { 0xb } }, { { 0xc } } };
	size_t len = strlen(told);
	switch (letter) {
	case 't': /* she types: are the others to be found out? */
		told[len] = typing_begin(typing, &room, &alice, now_us) ? '?' : '.';
		told[len + 1] = '\0';
		return true;
	case 'A': /* they are Bob and Carol */
		if (!typing_tell(typing, &room, &alice, both, 2, now_us))
			strcat(told, "?");
		return true;
	case 'B': /* Bob alone */
		if (!typing_tell(typing, &room, &alice, both, 1, now_us))
			strcat(told, "?");
		return true;
	case 'X': /* they cannot be found out */
		typing_forget(typing, &room, &alice);
		return true;
	case 's':
		typing_stop(typing, &room, &alice);
		return true;
	case 'm': /* her message */
		event_take(typing, EVENT_MESSAGE_CREATED, &room, &alice);
		return true;
	case 'M': /* messages that end nothing */
		event_take(typing, EVENT_MESSAGE_CREATED, &room, &bob);
		event_take(typing, EVENT_MESSAGE_CREATED, &other_room, &alice);
		return true;
	case 'c': /* Carol is removed, by herself or another */
		event_take(typing, EVENT_MEMBER_REMOVED, &room, &carol);
		return true;
	case 'C': /* from another conversation in the same bucket */
		event_take(typing, EVENT_MEMBER_REMOVED, &other_room, &carol);
		return true;
	case 'a': /* she herself is removed */
		event_take(typing, EVENT_MEMBER_REMOVED, &room, &alice);
		return true;
	case 'd': /* the group is deleted */
		event_take(typing, EVENT_CONVERSATION_DELETED, &room, &alice);
		return true;
	case 'D': /* another in the same bucket */
		event_take(typing, EVENT_CONVERSATION_DELETED, &other_room, &alice);
		return true;
	default:
		return false;
	}
}

/* Letters of step; a digit lets so many half seconds pass. */
static void what_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *script;
		const char *expected;
		size_t left; /* entries */
	} rows[] = {
		/* as it goes */
		{ "tA", "?+bc", 1 },
		{ "tA6", "?+bc-bc", 0 },
		{ "tAs6", "?+bc-bc", 0 },
		{ "tAss", "?+bc-bc", 1 },
		{ "tAm6", "?+bc-bc", 0 },
		{ "tAM", "?+bc", 1 },
		{ "sm", "", 0 },
		/* once in 2 s, and longer for it */
		{ "ttAt3t", "?.+bc..", 1 },
		{ "tA3t3t3", "?+bc.?", 1 },
		{ "tA3t5", "?+bc.", 1 },
		{ "tA3t6", "?+bc.-bc", 0 },
		{ "tAst", "?+bc-bc.", 1 },
		{ "tAs4tA", "?+bc-bc?+bc", 1 },
		/* while it is being found out */
		{ "tsA", "?", 1 },
		{ "tmA", "?", 1 },
		{ "tMA", "?+bc", 1 },
		{ "tstA", "?.", 1 },
		{ "t6A", "?", 1 },
		{ "tX", "?", 0 },
		{ "X", "", 0 },
		{ "A", "", 0 },
		/* for the second time: who was told of the start is told of the end */
		{ "tA4tA", "?+bc?+bc", 1 },
		{ "tA4tsA", "?+bc?-bc", 1 },
		{ "tA4tmA", "?+bc?-bc", 1 },
		{ "tA4tX", "?+bc?-bc", 0 },
		{ "tA4t6A", "?+bc?-bc", 1 },
		{ "tA4tssA", "?+bc?-bc", 1 },
		/* members go */
		{ "tAcs", "?+bc-b", 1 },
		{ "tACs", "?+bc-bc", 1 },
		{ "tAc6", "?+bc-b", 0 },
		{ "tcAB6", "??+b-b", 0 },
		{ "tCA", "?+bc", 1 },
		{ "tccAcAB", "???+b", 1 },
		{ "tA4tcABs", "?+bc??+b-b", 1 },
		{ "tA4tcs", "?+bc?-b", 1 },
		{ "tAa6", "?+bc-bc", 0 },
		{ "taAX", "??", 0 },
		{ "tA4taAX", "?+bc?-bc?", 0 },
		/* or all of it */
		{ "tAd6", "?+bc", 0 },
		{ "tAD6", "?+bc-bc", 0 },
		{ "tdA6", "?", 0 },
		{ "tA4tdA6", "?+bc?", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct metrics metrics = { 0 };
		struct typing *typing = typing_new(NULL, NULL, &metrics);
		int64_t now_us = 1000000000;
		told[0] = '\0';
		for (const char *letter = rows[i].script; *letter != '\0'; letter++) {
			if (!step(typing, *letter, now_us))
				now_us += (*letter - '0') * INT64_C(500000);
			int64_t wake_us = INT64_MAX;
			typing_run(typing, now_us);
			typing_poll(typing, &wake_us);
			assert_true(wake_us > now_us);
		}
		if (strcmp(told, rows[i].expected) != 0 || typing->count != rows[i].left)
			fail_msg("%s: %s, %zu left", rows[i].script, told, typing->count);
		typing_free(typing);
	}
}

static void too_many_are_not_told_of(void **state)
{
	(void)state;
	struct metrics metrics = { 0 };
	struct typing *typing = typing_new(NULL, NULL, &metrics);
	for (uint32_t i = 0; i <= TYPISTS_MAX; i++) {
		struct uuid in = { { 0 } };
		memcpy(in.bytes + sizeof(in.bytes) - sizeof(i), &i, sizeof(i));
		assert_int_equal(typing_begin(typing, &in, &alice, 0), i < TYPISTS_MAX);
	}
	typing_free(typing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told),
		cmocka_unit_test(too_many_are_not_told_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
