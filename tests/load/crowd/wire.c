/*
 * Packets and frames, see the header.
 */
#include "tests/load/crowd/wire.h"

#include <string.h>

enum {
	TYPE_CONNECT = 0x10,
	TYPE_PUBACK = 0x40,
	TYPE_SUBSCRIBE = 0x82,
	TYPE_PINGREQ = 0xc0,
	CONNECT_FLAGS = 0xc2, /* user name, password, clean start */
	LENGTH_BYTES_MAX = 4,
};

/* ---- MQTT: out ------------------------------------------------------------------------------ */

static void add_u16(struct buf *out, size_t number)
{
	buf_add_char(out, (char)(number >> 8));
	buf_add_char(out, (char)number);
}

static void add_text(struct buf *out, struct str text)
{
	add_u16(out, text.len);
	buf_add(out, text.ptr, text.len);
}

static void add_length(struct buf *out, size_t len)
{
	do {
		size_t rest = len >> 7;
		buf_add_char(out, (char)((len & 0x7f) | (rest > 0 ? 0x80 : 0)));
		len = rest;
	} while (len > 0);
}

void packet_write_connect(struct buf *out, const struct packet_login *login)
{
	size_t properties = login->version == 5 ? 1 : 0;
	buf_add_char(out, TYPE_CONNECT);
	add_length(out, 10 + properties + 2 + login->client_id.len + 2 + login->user.len + 2 +
				login->token.len);
	add_text(out, STR("MQTT"));
	buf_add_char(out, (char)login->version);
	buf_add_char(out, (char)CONNECT_FLAGS);
	add_u16(out, (size_t)login->keepalive_s);
	if (properties > 0)
		buf_add_char(out, 0);
	add_text(out, login->client_id);
	add_text(out, login->user);
	add_text(out, login->token);
}

void packet_write_subscribe(struct buf *out, int version, uint16_t mid, struct str filter)
{
	size_t properties = version == 5 ? 1 : 0;
	buf_add_char(out, (char)TYPE_SUBSCRIBE);
	add_length(out, 2 + properties + 2 + filter.len + 1);
	add_u16(out, mid);
	if (properties > 0)
		buf_add_char(out, 0);
	add_text(out, filter);
	buf_add_char(out, 1);
}

void packet_write_puback(struct buf *out, uint16_t mid)
{
	buf_add_char(out, TYPE_PUBACK);
	buf_add_char(out, 2);
	add_u16(out, mid);
}

void packet_write_ping(struct buf *out)
{
	buf_add_char(out, (char)TYPE_PINGREQ);
	buf_add_char(out, 0);
}

/* ---- MQTT: in ------------------------------------------------------------------------------- */

/* What is left of the bytes; taking more than there is leaves nothing and says so. */
struct rest {
	struct str bytes;
	bool bad;
};

static struct str take(struct rest *rest, size_t len)
{
	if (rest->bytes.len < len) {
		*rest = (struct rest){ .bad = true };
		return (struct str){ "", 0 };
	}
	struct str taken = { rest->bytes.ptr, len };
	rest->bytes.ptr += len;
	rest->bytes.len -= len;
	return taken;
}

static uint8_t take_u8(struct rest *rest)
{
	struct str taken = take(rest, 1);
	return taken.len == 1 ? (uint8_t)taken.ptr[0] : 0;
}

static uint16_t take_u16(struct rest *rest)
{
	uint8_t high = take_u8(rest);
	return (uint16_t)(high << 8 | take_u8(rest));
}

static size_t take_length(struct rest *rest)
{
	size_t len = 0;
	for (int i = 0; i < LENGTH_BYTES_MAX; i++) {
		uint8_t byte = take_u8(rest);
		len |= (size_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return len;
	}
	rest->bad = true;
	return 0;
}

static void take_properties(struct rest *rest, int version)
{
	if (version == 5)
		take(rest, take_length(rest));
}

static void publish_read(struct rest *rest, int version, uint8_t flags, struct packet *out)
{
	out->qos = flags >> 1 & 3;
	out->topic = take(rest, take_u16(rest));
	out->mid = out->qos > 0 ? take_u16(rest) : 0;
	take_properties(rest, version);
	out->payload = rest->bytes;
}

static bool body_read(struct rest *rest, int version, uint8_t first, struct packet *out)
{
	*out = (struct packet){ .type = first >> 4 };
	switch (out->type) {
	case PACKET_CONNACK:
		take_u8(rest);
		out->reason = take_u8(rest);
		break;
	case PACKET_PUBLISH:
		publish_read(rest, version, first & 0xf, out);
		break;
	case PACKET_SUBACK:
		out->mid = take_u16(rest);
		take_properties(rest, version);
		out->reason = take_u8(rest);
		break;
	case PACKET_DISCONNECT:
		if (rest->bytes.len > 0)
			out->reason = take_u8(rest);
		break;
	case PACKET_PINGRESP:
		break;
	default:
		return false;
	}
	return !rest->bad;
}

enum err packet_read(struct str bytes, int version, struct packet *out, size_t *len)
{
	struct rest rest = { bytes, false };
	uint8_t first = take_u8(&rest);
	size_t body = take_length(&rest);
	if (rest.bad)
		return bytes.len > LENGTH_BYTES_MAX ? ERR_INVALID_INPUT : ERR_NOT_FOUND;
	if (rest.bytes.len < body)
		return ERR_NOT_FOUND;
	*len = (size_t)(rest.bytes.ptr - bytes.ptr) + body;
	rest.bytes.len = body;
	return body_read(&rest, version, first, out) ? OK : ERR_INVALID_INPUT;
}

/* ---- WebSocket ------------------------------------------------------------------------------ */

enum {
	WS_FINAL = 0x80,
	WS_MASKED = 0x80,
	OPCODE_CONTINUED = 0,
	OPCODE_BINARY = 2,
	OPCODE_CLOSE = 8,
	OPCODE_PING = 9,
	OPCODE_PONG = 10,
};

void ws_write_upgrade(struct buf *out, int port)
{
	buf_printf(out,
		"GET /mqtt HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: Y3Jvd2QgY3Jvd2QgY3Jvdw==\r\n"
		"Sec-WebSocket-Protocol: mqtt\r\n\r\n",
		port);
}

enum err ws_read_upgrade(struct str bytes, size_t *len)
{
	const char *end = memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4);
	if (!end)
		return ERR_NOT_FOUND;
	*len = (size_t)(end - bytes.ptr) + 4;
	return str_starts(bytes, STR("HTTP/1.1 101 ")) ? OK : ERR_FORBIDDEN;
}

void ws_write(struct buf *out, enum ws_kind kind, struct str bytes)
{
	/* unguessable is of no use here; not zero, so that there is something to undo */
	static const char mask[4] = { 0x37, 0x5a, 0x11, 0x6c };
	buf_add_char(out, (char)(WS_FINAL | (kind == WS_PONG ? OPCODE_PONG : OPCODE_BINARY)));
	if (bytes.len < 126) {
		buf_add_char(out, (char)(WS_MASKED | bytes.len));
	} else {
		buf_add_char(out, (char)(WS_MASKED | 126));
		add_u16(out, bytes.len);
	}
	buf_add(out, mask, sizeof(mask));
	for (size_t i = 0; i < bytes.len; i++)
		buf_add_char(out, (char)(bytes.ptr[i] ^ mask[i % sizeof(mask)]));
}

static bool ws_kind_of(uint8_t opcode, enum ws_kind *kind)
{
	switch (opcode) {
	case OPCODE_CONTINUED:
	case OPCODE_BINARY:
		*kind = WS_DATA;
		return true;
	case OPCODE_CLOSE:
		*kind = WS_CLOSE;
		return true;
	case OPCODE_PING:
		*kind = WS_PING;
		return true;
	case OPCODE_PONG:
		*kind = WS_PONG;
		return true;
	default:
		return false;
	}
}

enum err ws_read(struct str bytes, enum ws_kind *kind, struct str *content, size_t *len)
{
	struct rest rest = { bytes, false };
	uint8_t opcode = take_u8(&rest) & 0xf;
	uint64_t body = take_u8(&rest);
	int more = body == 126 ? 2 : body == 127 ? 8 : 0;
	if (more > 0)
		body = 0;
	for (int i = 0; i < more; i++)
		body = body << 8 | take_u8(&rest);
	if (rest.bad || rest.bytes.len < body)
		return ERR_NOT_FOUND;
	*content = (struct str){ rest.bytes.ptr, body };
	*len = (size_t)(rest.bytes.ptr - bytes.ptr) + body;
	return ws_kind_of(opcode, kind) ? OK : ERR_INVALID_INPUT;
}
