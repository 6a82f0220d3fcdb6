/*
 * Ended sessions, see the header. The table says who is refused; a ring beside it is gone round to find who can
 * be forgotten: times are over in another order than they were told in, as one session's token lives for minutes
 * and another's for a day. Whoever has not been found yet is refused no longer all the same.
 */
#include "push/broker/revoked.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <sodium.h>

#include "lib/log.h"
#include "lib/time.h"
#include "push/broker/broker.h"
#include "push/broker/control.h"

enum {
	LOOKED_AT_EACH_S =
		4096 /* some 0.2 ms; of all that there can be each comes up within a minute or so */
};

struct revocation {
	struct table_node node;
	struct revocation *next; /* told of after it */
	struct uuid session_id;
	int64_t until_s;
};

static struct revocation *find(const struct revoked *revoked, const struct uuid *session_id)
{
	uint64_t hash = table_hash(revoked->hash_key, session_id);
	struct table_node *node = table_chain(&revoked->table, hash);
	for (; node; node = node->next) {
		struct revocation *entry = table_entry(node, struct revocation, node);
		if (node->hash == hash && uuid_equal(&entry->session_id, session_id))
			return entry;
	}
	return NULL;
}

static void told_append(struct revoked *revoked, struct revocation *entry)
{
	entry->next = NULL;
	*(revoked->last ? &revoked->last->next : &revoked->first) = entry;
	revoked->last = entry;
}

static struct revocation *told_take(struct revoked *revoked)
{
	struct revocation *entry = revoked->first;
	revoked->first = entry->next;
	if (!revoked->first)
		revoked->last = NULL;
	return entry;
}

static struct revocation *entry_make(struct revoked *revoked, const struct uuid *session_id)
{
	struct revocation *entry = mosquitto_calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->session_id = *session_id;
	uint64_t hash = table_hash(revoked->hash_key, session_id);
	if (table_add(&revoked->table, hash, &entry->node) != OK) {
		mosquitto_free(entry);
		return NULL;
	}
	told_append(revoked, entry);
	return entry;
}

static void first_drop(struct revoked *revoked)
{
	struct revocation *entry = told_take(revoked);
	table_remove(&revoked->table, &entry->node);
	mosquitto_free(entry);
}

enum err revoked_init(struct revoked *revoked)
{
	*revoked = (struct revoked){ .issued_by_s = INT64_MIN };
	randombytes_buf(revoked->hash_key, sizeof(revoked->hash_key));
	return table_init(&revoked->table, REVOKED_MAX);
}

void revoked_free(struct revoked *revoked)
{
	while (revoked->first)
		first_drop(revoked);
	table_free(&revoked->table);
}

void revoked_add(
	struct revoked *revoked, const struct uuid *session_id, int64_t until_s, int64_t now_s)
{
	struct revocation *entry = find(revoked, session_id);
	if (!entry) {
		entry = entry_make(revoked, session_id);
		if (!entry && !revoked->full)
			log_error("no room for revoked sessions: all tokens so far are refused",
				LOG_INT("sessions", revoked->table.count));
		revoked->full = entry == NULL;
	}
	if (entry && entry->until_s < until_s)
		entry->until_s = until_s;
	if (!entry)
		revoked->issued_by_s = now_s;
}

bool revoked_covers(const struct revoked *revoked, const struct claims *claims, int64_t now_s)
{
	const struct revocation *entry = find(revoked, &claims->session_id);
	return claims->issued_at_s <= revoked->issued_by_s || (entry && entry->until_s >= now_s);
}

void revoked_tick(struct revoked *revoked, int64_t now_s)
{
	size_t count = revoked->table.count;
	if (now_s == revoked->looked_s)
		return;
	revoked->looked_s = now_s;
	for (size_t i = 0; i < count && i < LOOKED_AT_EACH_S; i++) {
		if (revoked->first->until_s < now_s)
			first_drop(revoked);
		else
			told_append(revoked, told_take(revoked));
	}
}

/* In mosquitto 2.0.11 a kick from here is safe, as the broker works on the packet of another
 * connection, that of parley-push, and frees none before its loop comes round. */
void revoked_close(struct client *client)
{
	char id[TOPIC_CLIENT_BYTES];
	client->revoked = true;
	/* The client id of a replaced connection is that of its successor. */
	if (!client->connected || client->replaced || client->kicked)
		return;
	client->kicked = true;
	client_id_format(client, id);
	mosquitto_kick_client_by_clientid(id, true);
}

static void connections_close(struct clients *clients, const struct uuid *session_id)
{
	struct client *client;
	while ((client = client_of_session(clients, session_id)))
		revoked_close(client);
}

void revoked_receive(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid session_id;
	int64_t now_s = time_now_us() / 1000000;
	while (control_id(&ids, &session_id)) {
		revoked_add(&broker->revoked, &session_id, control->until_s, now_s);
		connections_close(&broker->clients, &session_id);
	}
}
