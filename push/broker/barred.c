/*
 * Barred users, see the header.
 */
#include "push/broker/barred.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <sodium.h>

#include "lib/log.h"
#include "push/broker/broker.h"
#include "push/broker/control.h"

struct barred_user {
	struct table_node node;
	struct barred_user *prev, *next;
	struct uuid user_id;
	uint32_t round; /* in which it was told last */
};

static struct barred_user *find(const struct barred *barred, const struct uuid *user_id)
{
	uint64_t hash = table_hash(barred->hash_key, user_id);
	struct table_node *node = table_chain(&barred->table, hash);
	for (; node; node = node->next) {
		struct barred_user *entry = table_entry(node, struct barred_user, node);
		if (node->hash == hash && uuid_equal(&entry->user_id, user_id))
			return entry;
	}
	return NULL;
}

static void told_remove(struct barred *barred, struct barred_user *entry)
{
	*(entry->prev ? &entry->prev->next : &barred->first) = entry->next;
	*(entry->next ? &entry->next->prev : &barred->last) = entry->prev;
}

static void told_append(struct barred *barred, struct barred_user *entry)
{
	entry->next = NULL;
	entry->prev = barred->last;
	*(barred->last ? &barred->last->next : &barred->first) = entry;
	barred->last = entry;
}

static void entry_drop(struct barred *barred, struct barred_user *entry)
{
	told_remove(barred, entry);
	table_remove(&barred->table, &entry->node);
	mosquitto_free(entry);
}

enum err barred_init(struct barred *barred)
{
	*barred = (struct barred){ 0 };
	randombytes_buf(barred->hash_key, sizeof(barred->hash_key));
	return table_init(&barred->table, BARRED_MAX);
}

void barred_free(struct barred *barred)
{
	while (barred->first)
		entry_drop(barred, barred->first);
	table_free(&barred->table);
}

static struct barred_user *entry_make(struct barred *barred, const struct uuid *user_id)
{
	struct barred_user *entry = mosquitto_calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	if (barred->table.count == barred->table.max)
		entry_drop(barred, barred->first);
	entry->user_id = *user_id;
	if (table_add(&barred->table, table_hash(barred->hash_key, user_id), &entry->node) != OK) {
		mosquitto_free(entry);
		return NULL;
	}
	told_append(barred, entry);
	return entry;
}

enum err barred_add(struct barred *barred, const struct uuid *user_id)
{
	struct barred_user *entry = find(barred, user_id);
	if (!entry)
		entry = entry_make(barred, user_id);
	if (!entry)
		return ERR_UNAVAILABLE;
	entry->round = barred->round;
	told_remove(barred, entry);
	told_append(barred, entry);
	return OK;
}

void barred_remove(struct barred *barred, const struct uuid *user_id)
{
	struct barred_user *entry = find(barred, user_id);
	if (entry)
		entry_drop(barred, entry);
}

bool barred_covers(const struct barred *barred, const struct uuid *user_id)
{
	return find(barred, user_id) != NULL;
}

void barred_begin(struct barred *barred)
{
	barred->round++;
}

/* Who was told of in this round is at the end. */
void barred_end(struct barred *barred)
{
	while (barred->first && barred->first->round != barred->round)
		entry_drop(barred, barred->first);
}

/* A kick changes the list of the user's entries, so the next one is looked for anew. */
static void connections_close(struct clients *clients, const struct uuid *user_id)
{
	struct user *user = user_find(clients, user_id);
	struct client *client;
	while (user && (client = client_of_user(user)))
		revoked_close(client);
}

void barred_receive(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid user_id;
	int64_t failed = 0;
	while (control_id(&ids, &user_id)) {
		if (barred_add(&broker->barred, &user_id) != OK)
			failed++;
		connections_close(&broker->clients, &user_id);
	}
	if (failed > 0)
		log_error("out of memory, users are not barred", LOG_INT("users", failed));
}

void barred_receive_end(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid user_id;
	while (control_id(&ids, &user_id))
		barred_remove(&broker->barred, &user_id);
}
