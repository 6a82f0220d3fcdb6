/* The arena: zeroed, aligned, reused after a reset, deferred calls in their order. */
#include "lib/arena.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void memory_is_zeroed_and_aligned(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 7, 16, 17, 4096, FIRST_BLOCK_BYTES,
		FIRST_BLOCK_BYTES + 1, NEXT_BLOCK_BYTES * 3 };
	struct arena *arena = arena_new();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned char *bytes = arena_alloc(arena, sizes[i]);
			if (!bytes || (uintptr_t)bytes % alignof(max_align_t) != 0)
				fail_msg("size %zu: %p", sizes[i], (void *)bytes);
			for (size_t at = 0; at < sizes[i]; at++)
				if (bytes[at] != 0)
					fail_msg("size %zu: byte %zu is not zero", sizes[i], at);
			memset(bytes, 0xa5, sizes[i]);
		}
		arena_reset(arena);
	}
	arena_free(arena);
}

static void allocations_do_not_overlap(void **state)
{
	(void)state;
	enum {
		COUNT = 2000
	};
	unsigned char *parts[COUNT];
	struct arena *arena = arena_new();
	for (int i = 0; i < COUNT; i++)
		memset(parts[i] = arena_alloc(arena, (size_t)i % 97 + 1), i & 255,
			(size_t)i % 97 + 1);
	for (int i = 0; i < COUNT; i++)
		for (int at = 0; at < i % 97 + 1; at++)
			if (parts[i][at] != (i & 255))
				fail_msg("allocation %d was overwritten", i);
	arena_free(arena);
}

static void the_first_block_is_kept_and_no_other(void **state)
{
	(void)state;
	if (OWN_BLOCKS)
		skip();
	struct arena *arena = arena_new();
	void *first = arena_alloc(arena, 100);
	arena_alloc(arena, NEXT_BLOCK_BYTES * 4);
	arena_reset(arena);
	assert_non_null(arena->current);
	assert_null(arena->current->next);
	assert_ptr_equal(arena_alloc(arena, 100), first);
	arena_free(arena);
}

static void an_outsized_first_block_is_given_back(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	arena_alloc(arena, FIRST_BLOCK_BYTES * 10);
	arena_reset(arena);
	assert_null(arena->current);
	assert_non_null(arena_alloc(arena, 1));
	arena_free(arena);
}

static void strings_are_copied_and_closed(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	char source[] = "abcdef";
	char *copy = arena_strndup(arena, source, 3);
	source[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_string_equal(arena_strndup(arena, NULL, 0), "");
	assert_memory_equal(arena_strndup(arena, "a\0b", 3), "a\0b", 4);
	assert_string_equal(arena_printf(arena, "%s-%d", "n", 42), "n-42");
	char *wide = arena_printf(arena, "%70000d", 7);
	assert_int_equal(strlen(wide), 70000);
	assert_int_equal(wide[69999], '7');
	arena_free(arena);
}

static char trail[16];
static char a[] = "a", b[] = "b", d[] = "d", z[] = "z";

static void note(void *ptr)
{
	strcat(trail, ptr);
}

static struct arena *nested_arena;

static void note_and_defer(void *ptr)
{
	note(ptr);
	arena_defer(nested_arena, note, z);
}

static void deferred_calls_run_last_in_first_out_and_once(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	trail[0] = '\0';
	arena_defer(arena, note, arena_strndup(arena, "a", 1));
	arena_defer(arena, note, arena_strndup(arena, "b", 1));
	arena_defer(arena, note, arena_strndup(arena, "c", 1));
	arena_reset(arena);
	assert_string_equal(trail, "cba");
	arena_reset(arena);
	assert_string_equal(trail, "cba");
	arena_defer(arena, note, d);
	arena_free(arena);
	assert_string_equal(trail, "cbad");
}

static void a_deferred_call_may_defer(void **state)
{
	(void)state;
	nested_arena = arena_new();
	trail[0] = '\0';
	arena_defer(nested_arena, note, a);
	arena_defer(nested_arena, note_and_defer, b);
	arena_reset(nested_arena);
	assert_string_equal(trail, "bza");
	arena_free(nested_arena);
	arena_free(NULL);
}

static void alloc_most(struct arena *arena)
{
	arena_alloc(arena, SIZE_MAX);
}

static void calloc_overflow(struct arena *arena)
{
	arena_calloc(arena, SIZE_MAX / 2, 3);
}

static void alloc_too_much(struct arena *arena)
{
	arena_alloc(arena, SIZE_MAX / 2);
}

static void dup_most(struct arena *arena)
{
	arena_strndup(arena, "x", SIZE_MAX);
}

/* Each in a process of its own, whose log goes nowhere. */
static void what_cannot_be_had_ends_the_process(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		void (*run)(struct arena *arena);
	} rows[] = {
		{ "alloc SIZE_MAX", alloc_most },
		{ "calloc overflow", calloc_overflow },
		{ "alloc SIZE_MAX / 2", alloc_too_much },
		{ "strndup SIZE_MAX", dup_most },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (OWN_BLOCKS && rows[i].run == alloc_too_much)
			continue; /* the sanitizer reports such a malloc itself */
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(STDERR_FILENO);
			rows[i].run(arena_new());
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			fail_msg("%s: status %d", rows[i].name, status);
	}
}

static void calloc_counts_elements(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	int64_t *numbers = arena_calloc(arena, 1000, sizeof(*numbers));
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(numbers[i], 0);
		numbers[i] = i;
	}
	assert_non_null(arena_calloc(arena, 0, 8));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(allocations_do_not_overlap),
		cmocka_unit_test(the_first_block_is_kept_and_no_other),
		cmocka_unit_test(an_outsized_first_block_is_given_back),
		cmocka_unit_test(strings_are_copied_and_closed),
		cmocka_unit_test(deferred_calls_run_last_in_first_out_and_once),
		cmocka_unit_test(a_deferred_call_may_defer),
		cmocka_unit_test(what_cannot_be_had_ends_the_process),
		cmocka_unit_test(calloc_counts_elements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
