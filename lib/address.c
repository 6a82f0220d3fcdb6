/*
 * Addresses of clients behind proxies (address.h). Called by lib/conf.c, which refuses a bad list, rest/main.c, which reads it, and
 * rest/request.c and guard.c, for each request. The header Forwarded (RFC 7239) is not read: hardly any proxy writes it, and
 * one that passes on what a client has written there would be believed.
 */
#include "lib/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

enum {
	V4_BITS = 96, /* of the prefix */
	ALL_BITS = 128
};

bool address_is_v4(const struct address *address)
{
	return memcmp(address->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

enum err address_parse(struct str text, struct address *out)
{
	char copy[ADDRESS_TEXT_BYTES];
	struct address address = { { 0 } };

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
		return ERR_INVALID_INPUT;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, address.bytes) != 1) {
		memcpy(address.bytes, v4_prefix, sizeof(v4_prefix));
		if (inet_pton(AF_INET, copy, address.bytes + sizeof(v4_prefix)) != 1)
			return ERR_INVALID_INPUT;
	}
	*out = address;
	return OK;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
	bool v4 = address_is_v4(address);

	/* cannot fail: family and size are right */
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? sizeof(v4_prefix) : 0), out,
		    ADDRESS_TEXT_BYTES))
		out[0] = '\0';
}

/* --- networks --------------------------------------------------------------------------------- */

/* The address with the bits behind the first cleared. */
static struct address address_mask(const struct address *address, unsigned bits)
{
	struct address masked = *address;

	for (unsigned i = 0; i < sizeof(masked.bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			masked.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
	return masked;
}

static bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static enum err network_parse(struct str text, struct network *out)
{
	const char *slash = memchr(text.ptr, '/', text.len);
	struct str base = { text.ptr, slash ? (size_t)(slash - text.ptr) : text.len };
	struct network network = { .bits = ALL_BITS };
	struct address masked;
	long long bits;

	if (address_parse(base, &network.base) != OK)
		return ERR_INVALID_INPUT;
	if (slash) {
		/* of dotted addresses the prefix counts from their own beginning */
		bool dotted = !memchr(base.ptr, ':', base.len);
		struct str digits = { slash + 1, text.len - base.len - 1 };

		if (!text_parse_int(digits, 0, dotted ? ALL_BITS - V4_BITS : ALL_BITS, &bits))
			return ERR_INVALID_INPUT;
		network.bits = (unsigned)bits + (dotted ? V4_BITS : 0);
	}
	masked = address_mask(&network.base, network.bits);
	if (!address_equal(&masked, &network.base))
		return ERR_INVALID_INPUT;
	*out = network;
	return OK;
}

enum err networks_parse(struct str text, struct networks *out, struct str *bad)
{
	struct networks networks = { .count = 0 };
	struct str word;

	while (text_next_word(&text, &word)) {
		if (str_equal(word, STR("unix:"))) {
			networks.sockets = true;
			continue;
		}
		if (networks.count == NETWORKS_MAX ||
			network_parse(word, &networks.items[networks.count]) != OK) {
			*bad = word;
			return ERR_INVALID_INPUT;
		}
		networks.count++;
	}
	*out = networks;
	return OK;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
	for (size_t i = 0; i < networks->count; i++) {
		const struct network *network = &networks->items[i];
		struct address masked = address_mask(address, network->bits);

		if (address_is_v4(address) == address_is_v4(&network->base) &&
			address_equal(&masked, &network->base))
			return true;
	}
	return false;
}

/* --- who asks --------------------------------------------------------------------------------- */

/* One element of X-Forwarded-For: an address, perhaps in brackets, perhaps with a port. */
static enum err hop_parse(struct str text, struct address *out)
{
	const char *end;
	struct str host = str_trim(text), port = { NULL, 0 };
	long long number;

	if (host.len > 0 && host.ptr[0] == '[') {
		end = memchr(host.ptr, ']', host.len);
		if (!end)
			return ERR_INVALID_INPUT;
		port = (struct str){ end + 1, (size_t)(host.ptr + host.len - end - 1) };
		host = (struct str){ host.ptr + 1, (size_t)(end - host.ptr - 1) };
	} else if (host.len > 0 && memchr(host.ptr, '.', host.len)) {
		/* dotted, so a colon behind the last point begins a port: ::ffff:192.0.2.1:80, too */
		const char *point = memrchr(host.ptr, '.', host.len);

		end = memchr(point, ':', (size_t)(host.ptr + host.len - point));
		if (end) {
			port = (struct str){ end, (size_t)(host.ptr + host.len - end) };
			host.len = (size_t)(end - host.ptr);
		}
	}
	if (port.len > 0 &&
		(port.ptr[0] != ':' || !text_parse_int((struct str){ port.ptr + 1, port.len - 1 },
					       0, 65535, &number)))
		return ERR_INVALID_INPUT;
	return address_parse(host, out);
}

/* The last element of a list, which loses it; false when there is none. */
static bool hop_take(struct str *list, struct str *out)
{
	const char *comma;

	if (!list->ptr)
		return false;
	comma = memrchr(list->ptr, ',', list->len);
	if (comma) {
		*out = (struct str){ comma + 1, (size_t)(list->ptr + list->len - comma - 1) };
		list->len = (size_t)(comma - list->ptr);
	} else {
		*out = *list;
		*list = (struct str){ NULL, 0 };
	}
	return true;
}

/* The peer of a UNIX socket, in the words of lighttpd and of nginx. */
static bool is_socket(struct str peer)
{
	return peer.len == 0 || str_starts(peer, STR("unix:"));
}

bool address_of_client(const struct networks *trusted, struct str peer, struct str forwarded,
	char out[ADDRESS_TEXT_BYTES])
{
	struct address client = { { 0 } }, next;
	bool known = address_parse(peer, &client) == OK;
	struct str hop;

	if (known ? !networks_have(trusted, &client) : !trusted->sockets || !is_socket(peer))
		return false;
	for (int i = 0; i < FORWARDED_HOPS_MAX && hop_take(&forwarded, &hop); i++) {
		if (hop_parse(hop, &next) != OK)
			break;
		client = next;
		known = true;
		if (!networks_have(trusted, &client))
			break;
	}
	if (known)
		address_format(&client, out);
	else
		snprintf(out, ADDRESS_TEXT_BYTES, "unix:");
	return true;
}
