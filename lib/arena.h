/*
 * Memory that lives exactly as long as one request or one WAL transaction. Everything is given
 * back together by arena_reset; nothing is freed one by one.
 * Not for the broker plugin: running out of memory ends the process (rule 24).
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include <stddef.h>

struct arena;

/* A new, empty arena; owned by the caller. Ends the process when out of memory. */
struct arena *arena_new(void);

/* Runs the deferred calls and frees everything. NULL is legal. */
void arena_free(struct arena *arena);

/* size bytes, zeroed, aligned for any type; never NULL. Valid until arena_reset. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same for count elements of size bytes; an overflow of the product ends the process. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of the len bytes at bytes. */
char *arena_strndup(struct arena *arena, const char *bytes, size_t len);

/* A formatted, NUL-terminated string. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Calls fn(ptr) at the next reset, last in first out: for what an arena cannot hold. */
void arena_defer(struct arena *arena, void (*fn)(void *), void *ptr);

/* Runs the deferred calls and makes the arena empty; the first block is kept for the next use. */
void arena_reset(struct arena *arena);

#endif
