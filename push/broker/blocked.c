/*
 * Blocked pairs, see the header.
 */
#include "push/broker/blocked.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <sodium.h>

#include "lib/log.h"
#include "push/broker/broker.h"
#include "push/broker/control.h"

/* As they are hashed: no byte between them. */
struct pair {
	struct uuid watched;
	struct uuid watcher;
};
_Static_assert(sizeof(struct pair) == 2 * sizeof(struct uuid), "no padding");

struct blocked_pair {
	struct table_node node;
	struct pair pair;
	uint32_t round; /* in which it was told last */
};

static uint64_t pair_hash(const struct blocked *blocked, const struct pair *pair)
{
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)pair, sizeof(*pair),
		blocked->hash_key);
	return hash;
}

static bool pair_equal(const struct pair *a, const struct pair *b)
{
	return uuid_equal(&a->watched, &b->watched) && uuid_equal(&a->watcher, &b->watcher);
}

static struct blocked_pair *find(
	const struct blocked *blocked, const struct pair *pair, uint64_t hash)
{
	struct table_node *node = table_chain(&blocked->table, hash);
	for (; node; node = node->next) {
		struct blocked_pair *entry = table_entry(node, struct blocked_pair, node);
		if (node->hash == hash && pair_equal(&entry->pair, pair))
			return entry;
	}
	return NULL;
}

enum err blocked_init(struct blocked *blocked)
{
	*blocked = (struct blocked){ 0 };
	randombytes_buf(blocked->hash_key, sizeof(blocked->hash_key));
	return table_init(&blocked->table, BLOCKED_MAX);
}

static void entry_free(struct table_node *node, void *context)
{
	(void)context;
	mosquitto_free(table_entry(node, struct blocked_pair, node));
}

void blocked_free(struct blocked *blocked)
{
	if (blocked->table.buckets)
		table_each(&blocked->table, entry_free, NULL);
	table_free(&blocked->table);
}

static struct blocked_pair *entry_make(
	struct blocked *blocked, const struct pair *pair, uint64_t hash)
{
	struct blocked_pair *entry = mosquitto_calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->pair = *pair;
	if (table_add(&blocked->table, hash, &entry->node) != OK) {
		mosquitto_free(entry);
		return NULL;
	}
	return entry;
}

void blocked_add(struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher)
{
	struct pair pair = { *watched, *watcher };
	uint64_t hash = pair_hash(blocked, &pair);
	struct blocked_pair *entry = find(blocked, &pair, hash);
	if (!entry)
		entry = entry_make(blocked, &pair, hash);
	if (entry) {
		entry->round = blocked->round;
		return;
	}
	if (!blocked->incomplete)
		log_error("no room for blocks: nobody watches anybody's presence",
			LOG_INT("blocks", blocked->table.count));
	blocked->failed = true;
	blocked->incomplete = true;
}

void blocked_remove(struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher)
{
	struct pair pair = { *watched, *watcher };
	struct blocked_pair *entry = find(blocked, &pair, pair_hash(blocked, &pair));
	if (!entry)
		return;
	table_remove(&blocked->table, &entry->node);
	mosquitto_free(entry);
}

bool blocked_covers(
	const struct blocked *blocked, const struct uuid *watched, const struct uuid *watcher)
{
	struct pair pair = { *watched, *watcher };
	if (uuid_equal(watched, watcher))
		return false;
	if (blocked->incomplete)
		return true;
	return blocked->table.count > 0 && find(blocked, &pair, pair_hash(blocked, &pair)) != NULL;
}

void blocked_begin(struct blocked *blocked)
{
	blocked->round++;
	blocked->failed = false;
}

static void entry_check(struct table_node *node, void *context)
{
	struct blocked *blocked = context;
	struct blocked_pair *entry = table_entry(node, struct blocked_pair, node);
	if (entry->round == blocked->round)
		return;
	table_remove(&blocked->table, node);
	mosquitto_free(entry);
}

void blocked_end(struct blocked *blocked)
{
	table_each(&blocked->table, entry_check, blocked);
	blocked->incomplete = blocked->failed;
}

void blocked_receive(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid watched, watcher;
	while (control_id(&ids, &watched) && control_id(&ids, &watcher))
		blocked_add(&broker->blocked, &watched, &watcher);
}

void blocked_receive_end(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid watched, watcher;
	while (control_id(&ids, &watched) && control_id(&ids, &watcher))
		blocked_remove(&broker->blocked, &watched, &watcher);
}
