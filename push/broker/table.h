/*
 * A hash table of things that carry their own node: chained, doubling, bounded. Finding is left to
 * the caller, who knows what it looks for:
 *
 *	for (node = table_chain(table, hash); node; node = node->next)
 *		if (node->hash == hash && …)
 *
 * Memory comes from the broker, so that its memory_limit counts it.
 */
#ifndef PUSH_BROKER_TABLE_H
#define PUSH_BROKER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"

enum {
	TABLE_KEY_BYTES = 16
};

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t nbuckets; /* a power of two */
	size_t count;
	size_t max;
};

/* An empty table for at most max nodes. ERR_UNAVAILABLE when out of memory. */
must_check enum err table_init(struct table *table, size_t max);

/* Under what an id is kept. Keyed, since an identity provider's ids may be of anybody's choosing. */
uint64_t table_hash(const unsigned char key[TABLE_KEY_BYTES], const struct uuid *id);

/* Frees the buckets, not the nodes. */
void table_free(struct table *table);

/* The first node of the chain that hash belongs to. */
struct table_node *table_chain(const struct table *table, uint64_t hash);

/* Takes the caller's node up under hash. ERR_UNAVAILABLE when the table is full. */
must_check enum err table_add(struct table *table, uint64_t hash, struct table_node *node);

/* Takes a node out that is in. */
void table_remove(struct table *table, struct table_node *node);

/* Calls fn for each node; fn may free the node after it has taken it out, and change nothing else.
 */
void table_each(
	struct table *table, void (*fn)(struct table_node *node, void *context), void *context);

/* The struct that a node is part of. */
#define table_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

#endif
