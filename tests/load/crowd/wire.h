/*
 * The bytes of MQTT 3.1.1 and 5, as far as a client of Parley needs them, and of WebSocket around them.
 */
#ifndef TESTS_LOAD_CROWD_WIRE_H
#define TESTS_LOAD_CROWD_WIRE_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/text.h"

enum packet_type {
	PACKET_CONNACK = 2,
	PACKET_PUBLISH = 3,
	PACKET_SUBACK = 9,
	PACKET_PINGRESP = 13,
	PACKET_DISCONNECT = 14,
};

struct packet {
	enum packet_type type;
	uint8_t reason; /* of CONNACK and DISCONNECT; of SUBACK the first */
	uint8_t qos;	/* of PUBLISH */
	uint16_t mid;
	struct str topic; /* borrowed, as is */
	struct str payload;
};

struct packet_login {
	int version; /* 4: 3.1.1, or 5 */
	int keepalive_s;
	struct str client_id;
	struct str user;
	struct str token;
};

/* Each appends one packet. */
void packet_write_connect(struct buf *out, const struct packet_login *login);
void packet_write_subscribe(struct buf *out, int version, uint16_t mid, struct str filter);
void packet_write_puback(struct buf *out, uint16_t mid);
void packet_write_ping(struct buf *out);

/* Reads the packet with which bytes begin and says how long it is. ERR_NOT_FOUND: it is not whole yet.
 * ERR_INVALID_INPUT: it is none that a client may get. */
must_check enum err packet_read(struct str bytes, int version, struct packet *out, size_t *len);

/* The request that turns a connection to the web server into one to the broker; the answer is whole when it has an
 * empty line: OK and its length, ERR_NOT_FOUND when it has none yet, ERR_FORBIDDEN when it is anything but a yes. */
void ws_write_upgrade(struct buf *out, int port);
must_check enum err ws_read_upgrade(struct str bytes, size_t *len);

enum ws_kind {
	WS_DATA,
	WS_CLOSE,
	WS_PING,
	WS_PONG
};

/* Appends a frame with bytes in it: data, or the answer to a ping. */
void ws_write(struct buf *out, enum ws_kind kind, struct str bytes);

/* The frame with which bytes begin: its content is borrowed. Errors as of packet_read. */
must_check enum err ws_read(struct str bytes, enum ws_kind *kind, struct str *content, size_t *len);

#endif
