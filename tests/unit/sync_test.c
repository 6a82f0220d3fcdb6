/* The cursor of GET /sync: one spelling, nothing but what was written, and what a page looks like. */
#include "lib/model/sync.c"

#include "tests/unit/faults.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"

static struct uuid id_of(const char *text)
{
	struct uuid id;
	assert_int_equal(uuid_parse(str_of(text), &id), OK);
	return id;
}

static struct str written(const struct sync_cursor *cursor, char text[SYNC_CURSOR_LEN + 1])
{
	sync_cursor_write(cursor, text);
	assert_int_equal(strlen(text), SYNC_CURSOR_LEN);
	return str_of(text);
}

static void test_round_trip(void **state)
{
	const struct uuid id = id_of(ID);
	const struct sync_cursor rows[] = {
		{ .phase = SYNC_EVERYTHING },
		{ .phase = SYNC_EVERYTHING, .identity = UINT64_MAX, .began_at_s = INT64_MAX },
		{ .phase = SYNC_EVERYTHING, .next_from = 7, .conversation_id = id },
		{ .phase = SYNC_CONVERSATIONS, .from = 1 },
		{ .phase = SYNC_CONVERSATIONS, .from = 7, .next_from = 7 },
		{ .phase = SYNC_CONVERSATIONS,
			.from = 7,
			.next_from = INT64_MAX,
			.conversation_id = id },
		{ .phase = SYNC_LEFT, .from = 7, .next_from = 8 },
		{ .phase = SYNC_LEFT, .from = 7, .next_from = 8, .conversation_id = id },
		{ .phase = SYNC_MESSAGES, .from = 7, .next_from = 8 },
		{ .phase = SYNC_MESSAGES,
			.from = 7,
			.next_from = 8,
			.conversation_id = id,
			.seq = INT64_MAX,
			.known_seq = 0 },
		{ .phase = SYNC_MESSAGES,
			.from = 7,
			.next_from = 8,
			.conversation_id = id,
			.seq = 1,
			.known_seq = INT64_MAX },
		{ .phase = SYNC_RECEIPTS, .from = 7, .next_from = 8 },
		{ .phase = SYNC_RECEIPTS,
			.from = 7,
			.next_from = 8,
			.conversation_id = id,
			.user_id = id },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[SYNC_CURSOR_LEN + 1], again[SYNC_CURSOR_LEN + 1];
		struct sync_cursor cursor;

		if (sync_cursor_read(written(&rows[i], text), &cursor) != OK)
			fail_msg("row %zu is not read", i);
		written(&cursor, again);
		assert_string_equal(text, again);
		assert_int_equal(cursor.phase, rows[i].phase);
		assert_int_equal(cursor.identity, rows[i].identity);
		assert_int_equal(cursor.began_at_s, rows[i].began_at_s);
		assert_int_equal(cursor.from, rows[i].from);
		assert_int_equal(cursor.next_from, rows[i].next_from);
		assert_true(uuid_equal(&cursor.conversation_id, &rows[i].conversation_id));
		assert_true(uuid_equal(&cursor.user_id, &rows[i].user_id));
		assert_int_equal(cursor.seq, rows[i].seq);
		assert_int_equal(cursor.known_seq, rows[i].known_seq);
	}
}

/* What is never written is not read, though it has the form. */
static void test_unsound(void **state)
{
	const struct uuid id = id_of(ID);
	const struct sync_cursor rows[] = {
		{ .phase = SYNC_PHASE__MAX, .from = 7, .next_from = 8 },
		{ .phase = SYNC_EVERYTHING, .from = 7 },
		{ .phase = SYNC_EVERYTHING, .began_at_s = -1 },
		{ .phase = SYNC_EVERYTHING, .next_from = -1 },
		{ .phase = SYNC_EVERYTHING, .conversation_id = id },
		{ .phase = SYNC_EVERYTHING, .next_from = 8, .user_id = id },
		{ .phase = SYNC_CONVERSATIONS },
		{ .phase = SYNC_CONVERSATIONS, .from = -7 },
		{ .phase = SYNC_CONVERSATIONS, .from = 7, .conversation_id = id },
		{ .phase = SYNC_CONVERSATIONS, .from = 7, .next_from = 6 },
		{ .phase = SYNC_LEFT, .from = 7 },
		{ .phase = SYNC_LEFT, .from = 7, .next_from = 8, .user_id = id },
		{ .phase = SYNC_MESSAGES, .from = 7 },
		{ .phase = SYNC_MESSAGES, .from = 7, .next_from = 8, .seq = 1 },
		{ .phase = SYNC_MESSAGES, .from = 7, .next_from = 8, .known_seq = 1 },
		{ .phase = SYNC_MESSAGES, .from = 7, .next_from = 8, .conversation_id = id },
		{ .phase = SYNC_MESSAGES,
			.from = 7,
			.next_from = 8,
			.conversation_id = id,
			.seq = -1 },
		{ .phase = SYNC_MESSAGES,
			.from = 7,
			.next_from = 8,
			.conversation_id = id,
			.seq = 1,
			.known_seq = -1 },
		{ .phase = SYNC_RECEIPTS, .from = 7, .next_from = 8, .conversation_id = id },
		{ .phase = SYNC_RECEIPTS, .from = 7, .next_from = 8, .user_id = id },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[SYNC_CURSOR_LEN + 1];
		struct sync_cursor cursor = { .seq = 42 };

		if (sync_cursor_read(written(&rows[i], text), &cursor) != ERR_INVALID_INPUT)
			fail_msg("row %zu is read", i);
		assert_int_equal(cursor.seq, 42);
	}
}

static void test_no_cursor(void **state)
{
	const struct sync_cursor sound = { .phase = SYNC_EVERYTHING };
	char text[SYNC_CURSOR_LEN + 1];
	struct sync_cursor cursor;
	struct str good = written(&sound, text);
	(void)state;

	assert_int_equal(sync_cursor_read(good, &cursor), OK);
	for (size_t len = 0; len < good.len; len++)
		assert_int_equal(
			sync_cursor_read((struct str){ text, len }, &cursor), ERR_INVALID_INPUT);
	assert_int_equal(sync_cursor_read((struct str){ NULL, 0 }, &cursor), ERR_INVALID_INPUT);
	for (int byte = 0; byte < 256; byte++) {
		text[good.len - 1] = (char)byte;
		/* the last letter holds bits of what has to be zero in this phase */
		assert_int_equal(
			sync_cursor_read(good, &cursor), byte == 'A' ? OK : ERR_INVALID_INPUT);
	}
	written(&sound, text);
	text[1] = 'g'; /* version 2 */
	assert_int_equal(sync_cursor_read(good, &cursor), ERR_INVALID_INPUT);
}

static void test_answer(void **state)
{
	struct uuid id = id_of(ID);
	struct sync_receipt receipt = { id, id, 1, 2 };
	struct sync sync = {
		.receipts = &receipt,
		.nreceipts = 1,
		.left = &id,
		.nleft = 1,
		.has_more = true,
	};
	struct buf buf = { 0 };
	(void)state;

	sync_write(&buf, &sync);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data,
		"{\"conversations\":[],\"messages\":[],\"receipts\":[{\"conversation_id\":\"" ID
		"\",\"user_id\":\"" ID "\",\"last_read_seq\":1,\"last_delivered_seq\":2}],"
		"\"left\":[\"" ID "\"],"
		"\"next\":"
		"\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAA\",\"has_more\":true,\"reset\":false,"
		"\"timings\":{\"typing_ms\":3000,\"typing_debounce_ms\":2000,\"presence_ms\":90000,"
		"\"keepalive_s\":60}}");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_no_cursor),
		cmocka_unit_test(test_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
