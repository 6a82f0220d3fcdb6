/* Control messages: what parley-push writes is read back, and nothing else passes. */
#include "push/broker/control.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define A "0190a000-0000-7000-8000-00000000abcd\n"
#define B "0190a000-0000-7000-8000-00000000abce\n"

/* Without a NUL behind it, so that a sanitizer sees a step too far. */
static enum err read_exact(const char *text, size_t len, struct control *out, char **memory)
{
	*memory = malloc(len ? len : 1);
	assert_non_null(*memory);
	memcpy(*memory, text, len);
	/* to the end, as the plugin does; the last is what counts */
	struct str rest = { *memory, len };
	struct control control;
	do {
		memcpy(&control, out, sizeof(control));
		enum err err = control_read(&rest, &control);
		if (err != OK)
			return memcmp(&control, out, sizeof(control)) == 0 ? err : ERR_INTERNAL;
	} while (rest.len > 0);
	*out = control;
	return OK;
}

static void good_ones(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		struct control expected;
		const char *ids, *payload;
	} rows[] = {
		{ "deliver messages 1 0 2\n" A B "\n{}",
			{ .topic = TOPIC_MESSAGES, .qos = 1, .nids = 2 }, A B, "{}" },
		{ "deliver typing 0 3 1\n" A "\n\n",
			{ .topic = TOPIC_TYPING, .expiry_s = 3, .nids = 1 }, A, "\n" },
		{ "deliver sync 1 4294967295 37\n\n" A,
			{ .topic = TOPIC_SYNC, .qos = 1, .expiry_s = UINT32_MAX }, "", A },
		{ "resync 0 1\n\nx", { .verb = CONTROL_RESYNC }, "", "x" },
		{ "resync 4294967295 10\n\nresync 1\n\n",
			{ .verb = CONTROL_RESYNC, .window_ms = UINT32_MAX }, "", "resync 1\n\n" },
		{ "revoke 1790000000\n" A B "\n",
			{ .verb = CONTROL_REVOKE, .until_s = 1790000000, .nids = 2 }, A B, "" },
		{ "revoke 253402300799\n\n", { .verb = CONTROL_REVOKE, .until_s = SECONDS_MAX }, "",
			"" },
		{ "bar\n" A B "\n", { .verb = CONTROL_BAR, .nids = 2 }, A B, "" },
		{ "bar\n\n", { .verb = CONTROL_BAR }, "", "" },
		{ "unbar\n" A "\n", { .verb = CONTROL_UNBAR, .nids = 1 }, A, "" },
		{ "block\n" A B "\n", { .verb = CONTROL_BLOCK, .nids = 2 }, A B, "" },
		{ "block\n\n", { .verb = CONTROL_BLOCK }, "", "" },
		{ "unblock\n" A B B A "\n", { .verb = CONTROL_UNBLOCK, .nids = 4 }, A B B A, "" },
		{ "keys 2\n\n{}", { .verb = CONTROL_KEYS }, "", "{}" },
		{ "keys 6\n\nopen\n\n", { .verb = CONTROL_KEYS }, "", "open\n\n" },
		{ "known\n" A "\n", { .verb = CONTROL_KNOWN, .nids = 1 }, A, "" },
		{ "anew\n\n", { .verb = CONTROL_ANEW }, "", "" },
		{ "open\n\n", { .verb = CONTROL_OPEN }, "", "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct control control;
		char *memory;
		const struct control *expected = &rows[i].expected;
		if (read_exact(rows[i].text, strlen(rows[i].text), &control, &memory) != OK)
			fail_msg("refused: %s", rows[i].text);
		if (control.verb != expected->verb || control.topic != expected->topic ||
			control.qos != expected->qos || control.expiry_s != expected->expiry_s ||
			control.window_ms != expected->window_ms ||
			control.until_s != expected->until_s || control.nids != expected->nids ||
			!str_equal(control.ids, str_of(rows[i].ids)) ||
			!str_equal(control.payload, str_of(rows[i].payload)))
			fail_msg("read wrong: %s", rows[i].text);
		free(memory);
	}
}

static void a_payload_may_hold_any_bytes(void **state)
{
	(void)state;
	static const char text[] = "deliver messages 1 0 4\n" A "\n\0\n\xff\0";
	struct control control;
	char *memory;
	assert_int_equal(read_exact(text, sizeof(text) - 1, &control, &memory), OK);
	assert_int_equal(control.payload.len, 4);
	assert_memory_equal(control.payload.ptr, "\0\n\xff\0", 4);
	free(memory);
}

static const char *const bad[] = {
	"",
	"\n",
	"\n\n",
	" ",
	"deliver",
	"deliver\n",
	"deliver \n",
	"deliver messages\n\nx",
	"deliver messages 1\n\nx",
	"deliver messages 1 0",
	"deliver messages 1 0 1\n",
	"deliver messages 1 0 1\n" A,
	"deliver messages 1 0\n" A "\nx",
	"deliver messages 1 0 \n" A "\nx",
	"deliver messages 1 0 0\n" A "\n",
	"deliver messages 1 0 2\n" A "\nx",
	"deliver messages 1 0 -1\n" A "\nx",
	"deliver messages 1 0 01\n" A "\nx",
	"deliver messages 1 0 4294967296\n" A "\nx",
	"deliver messages 1 0 1 1\n" A "\nx",
	"deliver messages 1 0 1\n" A "\n",
	"deliver messages 1 0\n 1\n",
	"deliver messages 2 0 1\n" A "\nx",
	"deliver messages -0 0 1\n" A "\nx",
	"deliver messages 01 0 1\n" A "\nx",
	"deliver messages  1 0\n" A "\nx",
	"deliver messages 1  0\n" A "\nx",
	"deliver messages 1 0 \n" A "\nx",
	"deliver messages 1 -1 1\n" A "\nx",
	"deliver messages 1 4294967296 1\n" A "\nx",
	"deliver messages 1 99999999999999999999999 1\n" A "\nx",
	"deliver messages 1 1.5 1\n" A "\nx",
	"deliver  1 0\n" A "\nx",
	"deliver commands 1 0\n" A "\nx",
	"deliver Messages 1 0\n" A "\nx",
	"deliver messages/x 1 0\n" A "\nx",
	"DELIVER messages 1 0\n" A "\nx",
	" deliver messages 1 0\n" A "\nx",
	"deliver\tmessages 1 0\n" A "\nx",
	"deliver messages 1 0\r 1\n" A "\nx",
	"deliver messages 1 0 1\n" A "\r\nx",
	"deliver messages 1 0 36\n0190A000-0000-7000-8000-00000000ABCD\n\nx",
	"deliver messages 1 0 36\n0190a000-0000-7000-8000-00000000abc\n\nx",
	"deliver messages 1 0 36\n0190a000-0000-7000-8000-00000000abcde\n\nx",
	"deliver messages 1 0 36\n0190a000-0000-7000-8000-00000000abcd \n\nx",
	"deliver messages 1 0\n 0190a000-0000-7000-8000-00000000abcd\n\nx",
	"deliver messages 1 0 36\n0190a00000007000800000000000abcd\n\nx",
	"deliver messages 1 0\n#\n\nx",
	"deliver messages 1 0 1\n" A "+\n\nx",
	"deliver messages 1 0 1\n" A "x",
	"resync",
	"resync\n",
	"resync\n\nx",
	"resync \n\nx",
	"resync x 1\n\nx",
	"resync -1 1\n\nx",
	"resync 1 1 1\n\nx",
	"resync 4294967296 1\n\nx",
	"resync 1 1\nx",
	"resync 1\n\n",
	"resync 1\n\nx",
	"resync 1 2\n\nx",
	"resync 1 0\n\n",
	"resync 1\n",
	"resync 1 1\n" A "\nx",
	"revoke",
	"revoke\n\n",
	"revoke \n" A "\n",
	"revoke\n" A "\n",
	"revoke x\n" A "\n",
	"revoke -1\n" A "\n",
	"revoke 01\n" A "\n",
	"revoke 1.5\n" A "\n",
	"revoke 1 \n" A "\n",
	"revoke 1 2\n" A "\n",
	"revoke 253402300800\n" A "\n",
	"revoke 99999999999999999999999\n" A "\n",
	"revoke 1\n" A,
	"revoke 1\n" A "\nx",
	"revoke 1\n" A "\n\n",
	"revoke 1\n" A "x\n\n",
	"revoke 1\n" A "\n" B,
	"revoke 1\n0190A000-0000-7000-8000-00000000ABCD\n\n",
	"REVOKE 1\n" A "\n",
	"bar",
	"bar\n",
	"bar \n\n",
	"bar 1\n" A "\n",
	"bar\n" A,
	"bar\n" A "x\n",
	"bar\n" A "\nx",
	"bar " A "\n",
	"barred\n" A "\n",
	"unbar\n" A,
	"unbar\n*\n\n",
	"block",
	"block\n",
	"block 1\n" A B "\n",
	"block\n" A "\n",
	"block\n" A B A "\n",
	"block\n" A B,
	"blocked\n" A B "\n",
	"unblock\n" B "\n",
	"unblock\n*\n*\n\n",
	"keys",
	"keys\n\n",
	"keys \n\n",
	"keys 0\n\n",
	"keys x\n\n{}",
	"keys -1\n\n{}",
	"keys 02\n\n{}",
	"keys 2 \n\n{}",
	"keys 3\n\n{}",
	"keys 1\n\n{}",
	"keys 2\n" A "\n{}",
	"keys 2\n{}",
	"known",
	"known\n" A,
	"known 1\n" A "\n",
	"anew",
	"anew\n",
	"anew\n" A "\n",
	"anew 1\n\n",
	"open",
	"open\n",
	"open \n\n",
	"open 1\n\n",
	"open\n\nx",
	"open\n" A "\n",
	"opened\n\n",
	"\nopen\n\n",
	"kick " A "\nx",
};

static void bad_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct control control, untouched;
		char *memory;
		memset(&control, 0xa5, sizeof(control));
		memset(&untouched, 0xa5, sizeof(untouched));
		if (read_exact(bad[i], strlen(bad[i]), &control, &memory) != ERR_INVALID_INPUT)
			fail_msg("accepted: %s", bad[i]);
		if (memcmp(&control, &untouched, sizeof(control)) != 0)
			fail_msg("result touched: %s", bad[i]);
		free(memory);
	}
}

static void several_are_read_one_after_the_other(void **state)
{
	(void)state;
	struct str rest = STR("open\n\n"
			      "deliver messages 1 0 6\n" A "\nopen\n\n"
			      "revoke 5\n" B "\n"
			      "resync 7 1\n\nxopen\n\nclose\n\n");
	static const enum control_verb expected[] = { CONTROL_OPEN, CONTROL_DELIVER, CONTROL_REVOKE,
		CONTROL_RESYNC, CONTROL_OPEN };
	struct control control;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(control_read(&rest, &control), OK);
		assert_int_equal(control.verb, expected[i]);
		if (control.verb == CONTROL_DELIVER)
			assert_true(str_equal(control.payload, STR("open\n\n")));
	}
	assert_true(str_equal(rest, STR("close\n\n")));
	assert_int_equal(control_read(&rest, &control), ERR_INVALID_INPUT);
	assert_true(str_equal(rest, STR("close\n\n")));
}

static void no_beginning_of_a_message_passes(void **state)
{
	(void)state;
	static const char text[] = "deliver messages 1 0 1\n" A B "\nx";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct control control;
		char *memory;
		if (read_exact(text, len, &control, &memory) != ERR_INVALID_INPUT)
			fail_msg("%zu bytes are accepted", len);
		free(memory);
	}
}

static void ids_are_bounded(const char *head, const char *tail)
{
	size_t room = strlen(head) + (CONTROL_RECIPIENTS_MAX + 1) * strlen(A) + strlen(tail) + 1;
	char *text = malloc(room), *memory;
	assert_non_null(text);
	for (size_t count = CONTROL_RECIPIENTS_MAX; count <= CONTROL_RECIPIENTS_MAX + 1; count++) {
		struct control control;
		size_t at = (size_t)snprintf(text, room, "%s", head);
		for (size_t i = 0; i < count; i++, at += strlen(A))
			memcpy(text + at, A, strlen(A));
		memcpy(text + at, tail, strlen(tail));
		enum err expected = count <= CONTROL_RECIPIENTS_MAX ? OK : ERR_INVALID_INPUT;
		assert_int_equal(read_exact(text, at + strlen(tail), &control, &memory), expected);
		free(memory);
	}
	free(text);
}

static void recipients_are_bounded(void **state)
{
	(void)state;
	ids_are_bounded("deliver messages 1 0 1\n", "\nx");
}

static void sessions_are_bounded(void **state)
{
	(void)state;
	ids_are_bounded("revoke 1790000000\n", "\n");
}

static void users_are_bounded(void **state)
{
	(void)state;
	ids_are_bounded("bar\n", "\n");
}

static void pairs_are_bounded(void **state)
{
	(void)state;
	ids_are_bounded("block\n", "\n");
}

static void ids_come_one_by_one(void **state)
{
	(void)state;
	struct str ids = STR(A B);
	struct uuid first, second, third = { { 7 } };
	assert_true(control_id(&ids, &first));
	assert_true(control_id(&ids, &second));
	assert_int_equal(first.bytes[15], 0xcd);
	assert_int_equal(second.bytes[15], 0xce);
	assert_false(control_id(&ids, &third));
	assert_int_equal(third.bytes[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(a_payload_may_hold_any_bytes),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(several_are_read_one_after_the_other),
		cmocka_unit_test(no_beginning_of_a_message_passes),
		cmocka_unit_test(recipients_are_bounded),
		cmocka_unit_test(sessions_are_bounded),
		cmocka_unit_test(users_are_bounded),
		cmocka_unit_test(pairs_are_bounded),
		cmocka_unit_test(ids_come_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
