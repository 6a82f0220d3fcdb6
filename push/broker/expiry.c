/*
 * Token expiry, see the header. A kick calls back into presence_disconnect, which changes the
 * table: so first the client ids are collected, then their connections closed.
 */
#include "push/broker/expiry.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>

enum {
	CHECK_US = 250 * 1000,
	BATCH_MAX = 256
};

struct batch {
	int64_t now_s;
	int64_t next_expiry_s; /* the first of those that are not in the batch */
	size_t count;
	char ids[BATCH_MAX][TOPIC_CLIENT_BYTES];
};

static void client_collect(struct table_node *node, void *context)
{
	struct batch *batch = context;
	struct client *client = table_entry(node, struct client, node);
	/* The client id of a replaced connection is that of its successor. */
	if (!client->user || !client->connected || client->replaced || client->kicked)
		return;
	if (client->expires_at_s <= batch->now_s && batch->count < BATCH_MAX) {
		client->kicked = true;
		client_id_format(client, batch->ids[batch->count++]);
	} else if (client->expires_at_s < batch->next_expiry_s) {
		batch->next_expiry_s = client->expires_at_s;
	}
}

void expiry_tick(struct broker *broker, int64_t now_us)
{
	struct clients *clients = &broker->clients;
	if (clients->next_expiry_s > broker->now_s || now_us - broker->expiry_checked_us < CHECK_US)
		return;

	struct batch batch;
	batch.now_s = broker->now_s;
	batch.next_expiry_s = INT64_MAX;
	batch.count = 0;
	table_each(&clients->by_handle, client_collect, &batch);
	broker->expiry_checked_us = now_us;
	clients->next_expiry_s = batch.next_expiry_s;
	for (size_t i = 0; i < batch.count; i++)
		mosquitto_kick_client_by_clientid(batch.ids[i], true);
}
