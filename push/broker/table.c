/*
 * The hash table of the plugin, see the header.
 */
#include "push/broker/table.h"

#include <stdbool.h>

#include <mosquitto_broker.h>
#include <sodium.h>

enum {
	BUCKETS_MIN = 64
};

static size_t bucket_of(const struct table *table, uint64_t hash)
{
	return (size_t)hash & (table->nbuckets - 1);
}

/* Without memory the chains get longer, which is slower and still right. */
static void table_grow(struct table *table)
{
	struct table bigger = *table;
	bigger.nbuckets = table->nbuckets * 2;
	bigger.buckets = mosquitto_calloc(bigger.nbuckets, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return;
	for (size_t i = 0; i < table->nbuckets; i++) {
		for (struct table_node *node = table->buckets[i], *next; node; node = next) {
			next = node->next;
			struct table_node **bucket =
				&bigger.buckets[bucket_of(&bigger, node->hash)];
			node->next = *bucket;
			*bucket = node;
		}
	}
	mosquitto_free(table->buckets);
	*table = bigger;
}

enum err table_init(struct table *table, size_t max)
{
	*table = (struct table){ .nbuckets = BUCKETS_MIN, .max = max };
	table->buckets = mosquitto_calloc(table->nbuckets, sizeof(*table->buckets));
	if (table->buckets)
		return OK;
	*table = (struct table){ 0 };
	return ERR_UNAVAILABLE;
}

uint64_t table_hash(const unsigned char key[TABLE_KEY_BYTES], const struct uuid *id)
{
	uint64_t hash;
	_Static_assert(TABLE_KEY_BYTES == crypto_shorthash_KEYBYTES, "key of the hash");
	crypto_shorthash((unsigned char *)&hash, id->bytes, sizeof(id->bytes), key);
	return hash;
}

void table_free(struct table *table)
{
	mosquitto_free(table->buckets);
	*table = (struct table){ 0 };
}

struct table_node *table_chain(const struct table *table, uint64_t hash)
{
	return table->buckets[bucket_of(table, hash)];
}

enum err table_add(struct table *table, uint64_t hash, struct table_node *node)
{
	if (table->count >= table->max)
		return ERR_UNAVAILABLE;
	if (table->count >= table->nbuckets)
		table_grow(table);
	struct table_node **bucket = &table->buckets[bucket_of(table, hash)];
	*node = (struct table_node){ .next = *bucket, .hash = hash };
	*bucket = node;
	table->count++;
	return OK;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **link = &table->buckets[bucket_of(table, node->hash)];
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	table->count--;
}

void table_each(
	struct table *table, void (*fn)(struct table_node *node, void *context), void *context)
{
	for (size_t i = 0; i < table->nbuckets; i++) {
		for (struct table_node *node = table->buckets[i], *next; node; node = next) {
			next = node->next;
			fn(node, context);
		}
	}
}
