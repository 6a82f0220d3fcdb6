/* A file as the body of an answer: piece by piece, and never whole-looking when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "rest/reply.c"

enum {
	FILE_BYTES = 3 * PIECE_BYTES + 1000
};

/* What has been written, and when that fails. */
struct front {
	struct buf written;
	size_t calls, most_calls;
	bool is_cut;
};

static bool front_write(void *context, struct str head, struct str body)
{
	struct front *front = context;

	if (front->calls++ == front->most_calls)
		return false;
	buf_add(&front->written, head.ptr, head.len);
	buf_add(&front->written, body.ptr, body.len);
	return true;
}

static void front_cut(void *context)
{
	((struct front *)context)->is_cut = true;
}

static struct worker worker;

/* A file of these bytes without a name; byte i is i % 251. */
static int file_of(size_t bytes)
{
	static char content[FILE_BYTES];
	int fd = memfd_create("file", 0);

	for (size_t i = 0; i < bytes; i++)
		content[i] = (char)(i % 251);
	assert_int_equal(write(fd, content, bytes), bytes);
	return fd;
}

/* Sends it to the front; what stands before the body goes away. */
static void answer(struct front *front, int status, const struct reply_file *file, bool is_head)
{
	struct gateway gateway = { .context = front, .write = front_write, .cut = front_cut };
	struct request req = { .worker = &worker,
		.gateway = &gateway,
		.arena = worker.arena,
		.out = &worker.body,
		.is_head = is_head,
		.id = "id" };
	const char *end;

	reply_file(&req, status, "text/plain", file);
	reply_send(&req);
	end = front->written.len > 0
		      ? memmem(front->written.data, front->written.len, "\r\n\r\n", 4)
		      : NULL;
	if (end) {
		size_t head = (size_t)(end + 4 - front->written.data);

		front->written.len -= head;
		memmove(front->written.data, end + 4, front->written.len);
	}
	arena_reset(worker.arena);
}

static int before(void **state)
{
	(void)state;
	worker.arena = arena_new();
	return 0;
}

static int after(void **state)
{
	(void)state;
	arena_free(worker.arena);
	buf_free(&worker.head);
	return 0;
}

static void the_bytes_of_a_range_are_sent(void **state)
{
	static const struct range ranges[] = {
		{ 0, FILE_BYTES },
		{ 0, 1 },
		{ FILE_BYTES - 1, 1 },
		{ 1, PIECE_BYTES },
		{ 1, PIECE_BYTES + 1 },
		{ PIECE_BYTES, 2 * PIECE_BYTES },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct front front = { .most_calls = SIZE_MAX };
		struct reply_file file = { .fd = file_of(FILE_BYTES), .range = ranges[i] };

		answer(&front, 206, &file, false);
		assert_false(front.is_cut);
		assert_int_equal(front.written.len, ranges[i].bytes);
		for (size_t at = 0; at < front.written.len; at++) {
			if ((unsigned char)front.written.data[at] != (ranges[i].first + at) % 251)
				fail_msg("row %zu: byte %zu", i, at);
		}
		buf_free(&front.written);
	}
}

static void what_cannot_be_sent_to_its_end_is_cut(void **state)
{
	static const struct {
		size_t bytes, most_calls; /* of the file, and of the front */
	} rows[] = {
		{ FILE_BYTES - 1, SIZE_MAX },
		{ PIECE_BYTES, SIZE_MAX },
		{ 0, SIZE_MAX },
		{ FILE_BYTES, 0 },
		{ FILE_BYTES, 1 },
		{ FILE_BYTES, 3 },
	};

	(void)state;
	log_open("test", LOG_LEVEL_ERROR + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct front front = { .most_calls = rows[i].most_calls };
		struct reply_file file = { .fd = file_of(rows[i].bytes),
			.range = { 0, FILE_BYTES } };

		answer(&front, 200, &file, false);
		if (!front.is_cut || front.written.len >= FILE_BYTES)
			fail_msg("row %zu: %zu bytes", i, front.written.len);
		buf_free(&front.written);
	}
}

static void who_has_no_use_for_the_bytes_gets_none(void **state)
{
	static const struct {
		bool is_head;
		const char *name;
	} rows[] = { { true, NULL }, { false, "X-Sendfile2" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct front front = { .most_calls = SIZE_MAX };
		struct reply_file file = { file_of(10), { 0, 10 }, rows[i].name, "value" };

		answer(&front, 200, &file, rows[i].is_head);
		assert_int_equal(front.calls, 1);
		assert_int_equal(front.written.len, 0);
		assert_non_null(
			memmem(worker.head.data, worker.head.len, "Content-Length: 10\r\n", 20));
		assert_int_equal(!rows[i].name,
			!memmem(worker.head.data, worker.head.len, "X-Sendfile2: value\r\n", 20));
		buf_free(&front.written);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_a_range_are_sent),
		cmocka_unit_test(what_cannot_be_sent_to_its_end_is_cut),
		cmocka_unit_test(who_has_no_use_for_the_bytes_gets_none),
	};
	return cmocka_run_group_tests(tests, before, after);
}
