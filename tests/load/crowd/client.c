/*
 * The states of a connection and how it comes back, as asyncapi.yaml recommends; see the header.
 */
#include "tests/load/crowd/client.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "tests/load/crowd/crowd.h"
#include "tests/load/crowd/wire.h"

enum {
	BACKOFF_BASE_US = 500000,
	BACKOFF_CAP_US = 10000000,
	PATIENCE_US = 10000000, /* from the connect to the SUBACK */
	KEEPALIVE_S = 60,
	PING_US = 30000000, /* after so long without a packet of one's own */
	READ_BYTES = 65536,
	CONTROL_BYTES = 128,
	PATH_BYTES = 192,
};

/* ---- coming and going ----------------------------------------------------------------------- */

/* Full jitter: anything up to the bound, which doubles. */
static int64_t backoff_us(unsigned nattempts)
{
	int64_t bound_us = BACKOFF_BASE_US;
	for (unsigned i = 0; i < nattempts && bound_us < BACKOFF_CAP_US; i++)
		bound_us *= 2;
	if (bound_us > BACKOFF_CAP_US)
		bound_us = BACKOFF_CAP_US;
	return (int64_t)(drand48() * (double)bound_us);
}

static bool is_opening(const struct client *client)
{
	return client->state != CLIENT_IDLE && client->state != CLIENT_AWAY &&
	       client->state != CLIENT_READY;
}

static void client_close(struct client *client)
{
	loop_drop(&client->watch);
	buf_free(&client->frames);
	buf_free(&client->packets);
	buf_free(&client->out);
	if (client->http.busy || client->sync_due_us != NOT_YET)
		client->crowd->nsyncing--;
	http_drop(&client->http);
	client->sync_due_us = NOT_YET;
}

/* The connection is gone, or did not come about. */
static void client_lose(struct client *client)
{
	struct crowd *crowd = client->crowd;
	int64_t at_us = now_us();
	if (client->state == CLIENT_READY) {
		crowd->nlost++;
		crowd->naway++;
		if (client->lost_us == NOT_YET)
			client->lost_us = at_us;
	} else if (is_opening(client)) {
		crowd->nopening--;
		crowd->nattempts_failed++;
	}
	client_close(client);
	client->due_us = at_us + backoff_us(client->nattempts++);
	client->state = CLIENT_AWAY;
	if (client->leaves) {
		client->state = CLIENT_IDLE;
		crowd->naway--;
	}
}

static void client_open(struct client *client, int64_t at_us)
{
	struct crowd *crowd = client->crowd;
	const struct sockaddr_in *to = client->websocket ? &crowd->front : &crowd->broker;
	client->state = CLIENT_CONNECTING;
	client->due_us = at_us + PATIENCE_US;
	crowd->nopening++;
	if (!loop_connect(&crowd->loop, &client->watch, client->source, to))
		client_lose(client);
}

/* ---- what it missed, over HTTP -------------------------------------------------------------- */

static void sync_begin(struct client *client, int64_t at_us)
{
	client->crowd->nsyncing++;
	client->nfailures = 0;
	client->sync_due_us = at_us;
}

static void sync_ask(struct client *client)
{
	char path[PATH_BYTES] = "/api/v1/sync?limit=200";
	client->sync_due_us = NOT_YET;
	if (client->cursor[0] != '\0')
		snprintf(path, sizeof(path), "/api/v1/sync?limit=200&since=%s", client->cursor);
	http_send(&client->http, "GET", path, client->token, (struct str){ NULL, 0 });
}

static void sync_answered(struct http *http, int status, struct str body)
{
	struct client *client = watch_owner(http, struct client, http);
	if (status != 200) {
		account_failure(client->crowd, status);
		client->sync_due_us = now_us() + backoff_us(client->nfailures++);
		return;
	}
	if (account_page(client->crowd, client, body)) {
		client->sync_due_us = now_us();
		return;
	}
	client->crowd->nsyncing--;
	if (client->lost_us != NOT_YET)
		client->synced_us = now_us();
	http_drop(http);
}

/* ---- packets -------------------------------------------------------------------------------- */

/* false: the connection is broken. */
static bool client_write(struct client *client, struct str packet)
{
	struct buf framed = { 0 };
	bool well = true;
	if (client->websocket) {
		ws_write(&framed, WS_DATA, packet);
		packet = (struct str){ framed.data, framed.len };
	}
	if (client->out.len == 0) {
		long sent = loop_send(&client->crowd->loop, &client->watch, packet.ptr, packet.len);
		well = sent >= 0;
		if (well) {
			packet.ptr += sent;
			packet.len -= (size_t)sent;
		}
	}
	if (well && packet.len > 0)
		buf_add(&client->out, packet.ptr, packet.len);
	client->sent_us = now_us();
	buf_free(&framed);
	return well;
}

static bool client_write_rest(struct client *client)
{
	struct buf *out = &client->out;
	if (out->len == 0)
		return true;
	long sent = loop_send(&client->crowd->loop, &client->watch, out->data, out->len);
	if (sent < 0)
		return false;
	out->len -= (size_t)sent;
	memmove(out->data, out->data + sent, out->len);
	if (out->len == 0)
		buf_free(out);
	return true;
}

static bool client_write_buf(struct client *client, struct buf *packet)
{
	bool well = client_write(client, (struct str){ packet->data, packet->len });
	buf_free(packet);
	return well;
}

static bool client_log_in(struct client *client)
{
	char client_id[CONTROL_BYTES];
	struct buf packet = { 0 };
	snprintf(client_id, sizeof(client_id), "%s/crowd", client->user);
	packet_write_connect(&packet, &(struct packet_login){
					      .version = client->version,
					      .keepalive_s = KEEPALIVE_S,
					      .client_id = str_of(client_id),
					      .user = str_of(client->user),
					      .token = client->token,
				      });
	client->state = CLIENT_LOGGING_IN;
	return client_write_buf(client, &packet);
}

static bool client_subscribe(struct client *client)
{
	char filter[CONTROL_BYTES];
	struct buf packet = { 0 };
	snprintf(filter, sizeof(filter), "users/%s/#", client->user);
	packet_write_subscribe(&packet, client->version, 1, str_of(filter));
	client->state = CLIENT_SUBSCRIBING;
	return client_write_buf(client, &packet);
}

static void client_is_ready(struct client *client)
{
	struct crowd *crowd = client->crowd;
	int64_t at_us = now_us();
	crowd->nopening--;
	crowd->naway--;
	if (client->lost_us != NOT_YET) {
		client->back_us = at_us;
		client->nattempts_back += client->nattempts;
	}
	client->state = CLIENT_READY;
	client->nattempts = 0;
	if (crowd->syncs)
		sync_begin(client, at_us);
}

/* false: this connection is of no use any more. */
static bool packet_take(struct client *client, const struct packet *packet, struct buf *answer)
{
	switch (packet->type) {
	case PACKET_CONNACK:
		return packet->reason == 0 && client->state == CLIENT_LOGGING_IN &&
		       client_subscribe(client);
	case PACKET_SUBACK:
		if (packet->reason != 1 || client->state != CLIENT_SUBSCRIBING)
			return false;
		client_is_ready(client);
		return true;
	case PACKET_PUBLISH:
		account_event(client->crowd, client, packet->payload);
		if (packet->qos > 0)
			packet_write_puback(answer, packet->mid);
		return true;
	case PACKET_PINGRESP:
		return true;
	default:
		return false;
	}
}

static void buf_shift(struct buf *buf, size_t len)
{
	buf->len -= len;
	if (buf->len == 0)
		buf_free(buf);
	else
		memmove(buf->data, buf->data + len, buf->len);
}

static bool packets_take(struct client *client)
{
	struct buf *in = &client->packets;
	struct buf answer = { 0 };
	struct packet packet;
	size_t at = 0, len;
	enum err err = OK;
	while (at < in->len) {
		err = packet_read((struct str){ in->data + at, in->len - at }, client->version,
			&packet, &len);
		if (err != OK)
			break;
		at += len;
		if (!packet_take(client, &packet, &answer)) {
			err = ERR_FORBIDDEN;
			break;
		}
	}
	buf_shift(in, at);
	bool well = err == OK || err == ERR_NOT_FOUND;
	if (well && answer.len > 0)
		well = client_write(client, (struct str){ answer.data, answer.len });
	buf_free(&answer);
	return well;
}

/* ---- WebSocket ------------------------------------------------------------------------------ */

static bool upgrade_take(struct client *client)
{
	size_t len;
	struct buf *in = &client->frames;
	enum err err = ws_read_upgrade((struct str){ in->data, in->len }, &len);
	if (err == ERR_NOT_FOUND)
		return true;
	if (err != OK)
		return false;
	buf_shift(in, len);
	return client_log_in(client);
}

static bool frames_take(struct client *client)
{
	struct buf *in = &client->frames;
	struct str content;
	enum ws_kind kind;
	size_t at = 0, len;
	bool well = true;
	while (well && at < in->len) {
		enum err err =
			ws_read((struct str){ in->data + at, in->len - at }, &kind, &content, &len);
		if (err == ERR_NOT_FOUND)
			break;
		at += len;
		well = err == OK && kind != WS_CLOSE;
		if (well && kind == WS_DATA)
			buf_add(&client->packets, content.ptr, content.len);
		if (well && kind == WS_PING) {
			struct buf pong = { 0 };
			ws_write(&pong, WS_PONG, content);
			well = loop_send(&client->crowd->loop, &client->watch, pong.data,
				       pong.len) >= 0;
			buf_free(&pong);
		}
	}
	buf_shift(in, at);
	return well && packets_take(client);
}

/* ---- the socket ----------------------------------------------------------------------------- */

static bool client_connected(struct client *client)
{
	struct buf request = { 0 };
	if (!loop_connected(&client->crowd->loop, &client->watch))
		return false;
	if (!client->websocket)
		return client_log_in(client);
	ws_write_upgrade(&request, ntohs(client->crowd->front.sin_port));
	client->state = CLIENT_UPGRADING;
	bool well = loop_send(&client->crowd->loop, &client->watch, request.data, request.len) ==
		    (long)request.len;
	buf_free(&request);
	return well;
}

static bool client_read(struct client *client)
{
	static char bytes[READ_BYTES];
	struct buf *in = client->websocket ? &client->frames : &client->packets;
	ssize_t count = recv(client->watch.fd, bytes, sizeof(bytes), 0);
	if (count <= 0)
		return count < 0 && errno == EAGAIN;
	buf_add(in, bytes, (size_t)count);
	if (client->state == CLIENT_UPGRADING)
		return upgrade_take(client);
	return client->websocket ? frames_take(client) : packets_take(client);
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct client *client = watch_owner(watch, struct client, watch);
	bool well = true;
	if (client->state == CLIENT_CONNECTING) {
		well = client_connected(client);
		events = 0;
	}
	if (well && (events & EPOLLOUT))
		well = client_write_rest(client);
	if (well && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		well = client_read(client);
	if (!well)
		client_lose(client);
}

/* ---- from outside --------------------------------------------------------------------------- */

void client_init(struct client *client, struct crowd *crowd)
{
	client->crowd = crowd;
	client->watch = (struct watch){ .fd = -1, .ready = client_ready };
	http_init(&client->http, &crowd->loop, &crowd->front, client->source);
	client->http.done = sync_answered;
}

void client_start(struct client *client)
{
	client->state = CLIENT_AWAY;
	client->due_us = 0;
	client->crowd->naway++;
}

void client_stop(struct client *client)
{
	static const char goodbye[] = { (char)0xe0, 0 };
	if (client->state == CLIENT_READY)
		client_write(client, (struct str){ goodbye, sizeof(goodbye) });
	client_close(client);
	client->state = CLIENT_IDLE;
}

void client_tick(struct client *client, int64_t at_us)
{
	struct buf ping = { 0 };
	switch (client->state) {
	case CLIENT_IDLE:
		return;
	case CLIENT_AWAY:
		if (at_us >= client->due_us &&
			client->crowd->nopening < client->crowd->nopening_max)
			client_open(client, at_us);
		return;
	case CLIENT_READY:
		if (client->sync_due_us != NOT_YET && at_us >= client->sync_due_us)
			sync_ask(client);
		if (at_us - client->sent_us < PING_US)
			return;
		packet_write_ping(&ping);
		if (!client_write_buf(client, &ping))
			client_lose(client);
		return;
	default:
		if (at_us >= client->due_us)
			client_lose(client);
	}
}

bool client_has(struct client *client, uint32_t seq)
{
	uint64_t bit = (uint64_t)1 << (seq % 64);
	if (client->seen[seq / 64] & bit)
		return false;
	client->seen[seq / 64] |= bit;
	if (seq > client->newest)
		client->newest = seq;
	while (client->complete + 1 < SEQ_MAX &&
		(client->seen[(client->complete + 1) / 64] >> ((client->complete + 1) % 64) & 1))
		client->complete++;
	return true;
}
