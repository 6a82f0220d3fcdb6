/*
 * The tables of connections and users, see the header.
 */
#include "push/broker/clients.h"

#include <string.h>

#include <mosquitto_broker.h>
#include <sodium.h>

#include "lib/time.h"

static uint64_t handle_hash(const struct mosquitto *handle)
{
	/* Fibonacci hashing: addresses differ in their middle bits, buckets take the lowest. */
	return ((uint64_t)(uintptr_t)handle * 0x9e3779b97f4a7c15ULL) >> 20;
}

static void queue_remove(struct user_queue *queue, struct user *user)
{
	*(user->prev ? &user->prev->next : &queue->first) = user->next;
	*(user->next ? &user->next->prev : &queue->last) = user->prev;
	user->prev = user->next = NULL;
	user->place = USER_PRESENT;
}

static void queue_append(
	struct user_queue *queue, struct user *user, enum user_place place, int64_t due_us)
{
	user->place = place;
	user->due_us = due_us;
	user->prev = queue->last;
	*(queue->last ? &queue->last->next : &queue->first) = user;
	queue->last = user;
}

/* Unlinks an entry and frees it; its connection, if it has one, is no longer counted. */
static void client_drop(struct clients *clients, struct client *client)
{
	struct user *user = client->user;
	if (user) {
		struct client **link = &user->clients;
		while (*link != client)
			link = &(*link)->next;
		*link = client->next;
		user->nclients--;
		if (client->connected)
			user->nconnected--;
		table_remove(&clients->by_session, &client->session_node);
	}
	client_listen(clients, client, false);
	table_remove(&clients->by_handle, &client->node);
	mosquitto_free(client);
}

static struct user *user_make(struct clients *clients, const struct uuid *id)
{
	struct user *user = mosquitto_calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->id = *id;
	if (table_add(&clients->users, table_hash(clients->hash_key, id), &user->node) != OK) {
		mosquitto_free(user);
		return NULL;
	}
	return user;
}

/* session_id: NULL for parley-push. */
static struct client *client_make(
	struct clients *clients, const struct mosquitto *handle, const struct uuid *session_id)
{
	struct client *client = mosquitto_calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->handle = handle;
	client->connected = true;
	if (table_add(&clients->by_handle, handle_hash(handle), &client->node) != OK) {
		mosquitto_free(client);
		return NULL;
	}
	if (!session_id)
		return client;
	client->session_id = *session_id;
	if (table_add(&clients->by_session, table_hash(clients->hash_key, session_id),
		    &client->session_node) != OK) {
		table_remove(&clients->by_handle, &client->node);
		mosquitto_free(client);
		return NULL;
	}
	return client;
}

/* The broker ends an older connection of the same client id by itself, and hands its session over.
 */
static void device_take_over(struct clients *clients, struct user *user, const char *device)
{
	for (struct client *client = user->clients, *next; client; client = next) {
		next = client->next;
		if (strcmp(client->device, device) != 0)
			continue;
		if (client->connected)
			client->replaced = true;
		else
			client_drop(clients, client);
	}
}

/* Makes room for one more: the oldest entry without a connection goes. A device that comes again
 * needs none, its older entry is about to go. */
static bool user_has_room(struct clients *clients, struct user *user, const char *device)
{
	if (user->nclients < CLIENTS_PER_USER_MAX)
		return true;
	struct client *oldest = NULL;
	for (struct client *client = user->clients; client; client = client->next) {
		if (strcmp(client->device, device) == 0)
			return true;
		if (!client->connected)
			oldest = client;
	}
	if (oldest)
		client_drop(clients, oldest);
	return oldest != NULL;
}

static void user_return(struct clients *clients, struct user *user)
{
	if (user->place == USER_LEAVING)
		queue_remove(&clients->leaving, user);
	else if (user->place == USER_GONE)
		queue_remove(&clients->gone, user);
}

static void user_free(struct table_node *node, void *context)
{
	(void)context;
	mosquitto_free(table_entry(node, struct user, node));
}

static void client_free(struct table_node *node, void *context)
{
	(void)context;
	mosquitto_free(table_entry(node, struct client, node));
}

enum err clients_init(struct clients *clients)
{
	*clients = (struct clients){ .next_expiry_s = INT64_MAX };
	randombytes_buf(clients->hash_key, sizeof(clients->hash_key));
	enum err err = table_init(&clients->by_handle, CLIENTS_MAX);
	if (!err)
		err = table_init(&clients->by_session, CLIENTS_MAX);
	return err ? err : table_init(&clients->users, USERS_MAX);
}

void clients_free(struct clients *clients)
{
	table_each(&clients->by_handle, client_free, NULL);
	table_each(&clients->users, user_free, NULL);
	table_free(&clients->by_handle);
	table_free(&clients->by_session);
	table_free(&clients->users);
}

struct client *client_find(const struct clients *clients, const struct mosquitto *handle)
{
	uint64_t hash = handle_hash(handle);
	struct table_node *node = table_chain(&clients->by_handle, hash);
	for (; node; node = node->next) {
		struct client *client = table_entry(node, struct client, node);
		if (client->handle == handle)
			return client;
	}
	return NULL;
}

struct user *user_find(const struct clients *clients, const struct uuid *id)
{
	uint64_t hash = table_hash(clients->hash_key, id);
	struct table_node *node = table_chain(&clients->users, hash);
	for (; node; node = node->next) {
		struct user *user = table_entry(node, struct user, node);
		if (node->hash == hash && uuid_equal(&user->id, id))
			return user;
	}
	return NULL;
}

struct client *client_of_session(const struct clients *clients, const struct uuid *session_id)
{
	uint64_t hash = table_hash(clients->hash_key, session_id);
	struct table_node *node = table_chain(&clients->by_session, hash);
	for (; node; node = node->next) {
		struct client *client = table_entry(node, struct client, session_node);
		if (node->hash == hash && uuid_equal(&client->session_id, session_id) &&
			!client->revoked)
			return client;
	}
	return NULL;
}

void clients_know(struct clients *clients, const struct uuid *session_id)
{
	uint64_t hash = table_hash(clients->hash_key, session_id);
	struct table_node *node = table_chain(&clients->by_session, hash);
	for (; node; node = node->next) {
		struct client *client = table_entry(node, struct client, session_node);
		if (node->hash == hash && uuid_equal(&client->session_id, session_id))
			client->known = true;
	}
}

static void unknown_expire(struct table_node *node, void *context)
{
	struct clients *clients = context;
	struct client *client = table_entry(node, struct client, node);
	if (!client->external || client->known || !client->connected)
		return;
	client->expires_at_s = 0;
	clients->next_expiry_s = 0;
}

void clients_expire_unknown(struct clients *clients)
{
	table_each(&clients->by_handle, unknown_expire, clients);
}

struct client *client_of_user(const struct user *user)
{
	struct client *client = user->clients;
	while (client && client->revoked)
		client = client->next;
	return client;
}

enum err client_add(struct clients *clients, const struct mosquitto *handle,
	const struct claims *claims, const char *device, struct client **out)
{
	client_forget(clients, handle);
	struct user *user = user_find(clients, &claims->user_id);
	bool is_new = user == NULL;
	if (is_new)
		user = user_make(clients, &claims->user_id);
	if (!user)
		return ERR_UNAVAILABLE;
	if (!user_has_room(clients, user, device))
		return ERR_RATE_LIMITED;

	struct client *client = client_make(clients, handle, &claims->session_id);
	if (!client) {
		if (is_new)
			user_drop(clients, user);
		return ERR_UNAVAILABLE;
	}
	device_take_over(clients, user, device);
	user_return(clients, user);
	client->user = user;
	client->expires_at_s = claims->expires_at_s;
	memccpy(client->device, device, '\0', sizeof(client->device) - 1);
	client->next = user->clients;
	user->clients = client;
	user->nclients++;
	user->nconnected++;
	if (claims->expires_at_s < clients->next_expiry_s)
		clients->next_expiry_s = claims->expires_at_s;
	*out = client;
	return OK;
}

enum err client_add_push(
	struct clients *clients, const struct mosquitto *handle, struct client **out)
{
	client_forget(clients, handle);
	struct client *client = client_make(clients, handle, NULL);
	if (!client)
		return ERR_UNAVAILABLE;
	*out = client;
	return OK;
}

void client_listen(struct clients *clients, struct client *client, bool listening)
{
	if (client->listening == listening)
		return;
	client->listening = listening;
	clients->nlistening += listening ? 1 : -1U;
}

void client_id_format(const struct client *client, char out[TOPIC_CLIENT_BYTES])
{
	uuid_format(&client->user->id, out);
	out[UUID_TEXT_LEN] = '/';
	memcpy(out + UUID_TEXT_LEN + 1, client->device, sizeof(client->device));
}

void client_leave(
	struct clients *clients, const struct mosquitto *handle, int64_t wall_us, int64_t due_us)
{
	struct client *client = client_find(clients, handle);
	if (!client || !client->connected)
		return;
	struct user *user = client->user;
	if (!user) {
		client_drop(clients, client);
		return;
	}
	client->connected = false;
	user->nconnected--;
	if (client->replaced)
		client_drop(clients, client);
	if (user->nconnected > 0)
		return;
	user->left_at_us = wall_us;
	queue_append(&clients->leaving, user, USER_LEAVING, due_us);
}

void client_forget(struct clients *clients, const struct mosquitto *handle)
{
	/* A connection whose end was not told would keep its user online for ever. */
	client_leave(clients, handle, time_now_us(), time_mono_us());
	struct client *client = client_find(clients, handle);
	if (client)
		client_drop(clients, client);
}

struct user *user_due(struct user_queue *queue, int64_t now_us)
{
	struct user *user = queue->first;
	if (!user || user->due_us > now_us)
		return NULL;
	queue_remove(queue, user);
	return user;
}

void user_gone(struct clients *clients, struct user *user, int64_t due_us)
{
	queue_append(&clients->gone, user, USER_GONE, due_us);
}

void user_drop(struct clients *clients, struct user *user)
{
	while (user->clients)
		client_drop(clients, user->clients);
	table_remove(&clients->users, &user->node);
	mosquitto_free(user);
}
