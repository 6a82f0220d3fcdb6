/*
 * The arena: a chain of blocks that is filled from the front and given back as a whole. The first
 * block stays for the next request, so that an ordinary request never calls malloc. Under
 * AddressSanitizer every allocation is a block of its own, so that an overrun hits a red zone.
 * Called by everything that handles a request or a WAL transaction; not by the broker plugin.
 */
#include "lib/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

enum {
	FIRST_BLOCK_BYTES = 16 * 1024,
	NEXT_BLOCK_BYTES = 64 * 1024,
};

#if defined(__SANITIZE_ADDRESS__)
#define OWN_BLOCKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_BLOCKS 1
#endif
#endif
#ifndef OWN_BLOCKS
#define OWN_BLOCKS 0
#endif

struct block {
	struct block *next;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *ptr;
};

struct arena {
	struct block *current; /* newest first */
	struct deferred *deferred;
};

static struct block *block_new(size_t size, struct block *next)
{
	if (size > SIZE_MAX - sizeof(struct block))
		fatal("out of memory");
	struct block *block = malloc(sizeof(*block) + size);
	if (!block)
		fatal("out of memory", LOG_INT("bytes", size));
	block->next = next;
	block->size = size;
	block->used = 0;
	return block;
}

/* The block that size bytes fit into; a new one where the current has no room. */
static struct block *block_for(struct arena *arena, size_t size)
{
	struct block *current = arena->current;
	if (OWN_BLOCKS)
		return arena->current = block_new(size, current);
	if (current && current->size - current->used >= size)
		return current;
	size_t block_bytes = current ? NEXT_BLOCK_BYTES : FIRST_BLOCK_BYTES;
	return arena->current = block_new(size > block_bytes ? size : block_bytes, current);
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));
	if (!arena)
		fatal("out of memory", LOG_INT("bytes", sizeof(*arena)));
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free(arena->current);
	free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX - alignof(max_align_t))
		fatal("out of memory");
	size_t step = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *block = block_for(arena, OWN_BLOCKS ? size : step);
	void *bytes = block->data + block->used;
	block->used += OWN_BLOCKS ? size : step;
	return memset(bytes, 0, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		fatal("allocation too large", LOG_INT("count", count), LOG_INT("size", size));
	return arena_alloc(arena, bytes);
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t len)
{
	if (len == SIZE_MAX)
		fatal("out of memory");
	char *copy = arena_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		fatal("text cannot be formatted", LOG_STR("format", format));
	char *text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

void arena_defer(struct arena *arena, void (*fn)(void *), void *ptr)
{
	struct deferred *deferred = arena_alloc(arena, sizeof(*deferred));
	deferred->next = arena->deferred;
	deferred->fn = fn;
	deferred->ptr = ptr;
	arena->deferred = deferred;
}

void arena_reset(struct arena *arena)
{
	/* A deferred call may defer again, so the head is read anew each time. */
	while (arena->deferred) {
		struct deferred *deferred = arena->deferred;
		arena->deferred = deferred->next;
		deferred->fn(deferred->ptr);
	}
	while (arena->current && (OWN_BLOCKS || arena->current->next)) {
		struct block *block = arena->current;
		arena->current = block->next;
		free(block);
	}
	if (!arena->current)
		return;
	/* The kept block may be an outsized one: the first allocation decided. */
	if (arena->current->size > FIRST_BLOCK_BYTES) {
		free(arena->current);
		arena->current = NULL;
		return;
	}
	arena->current->used = 0;
}
