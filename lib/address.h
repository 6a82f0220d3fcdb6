/*
 * Addresses of clients, and who may tell them: a proxy in front hides whom it speaks for behind its own address and names
 * them in X-Forwarded-For, which anybody can write. What is believed is what the peer says, if it is a trusted one, then what
 * the one says whom it names, and so on from the right, up to the first that is not trusted: that is the client.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/text.h"

enum {
	ADDRESS_TEXT_BYTES = 46, /* of the longest, with its NUL */
	NETWORKS_MAX = 64,
	FORWARDED_HOPS_MAX = 32, /* looked at from the right */
};

/* An IPv6 address; one of IPv4 is ::ffff:a.b.c.d, in whichever of the two spellings it came. */
struct address {
	uint8_t bytes[16];
};

/* An address as such: no port, no brackets, no zone. ERR_INVALID_INPUT. */
must_check enum err address_parse(struct str text, struct address *out);

bool address_is_v4(const struct address *address);

/* The one spelling of it: dotted for IPv4. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

/* Which peers are trusted. */
struct network {
	struct address base;
	unsigned bits; /* of the 128 */
};

struct networks {
	bool sockets; /* peers on a UNIX socket, too */
	size_t count;
	struct network items[NETWORKS_MAX];
};

/*
 * A list of addresses and CIDR blocks (10.0.0.0/8, 2001:db8::/32) with blanks between, and "unix:" for peers that have no address because
 * they came by a UNIX socket. Empty: nobody. ERR_INVALID_INPUT: what is none of these, bits beyond the prefix, more than NETWORKS_MAX;
 * *bad is then the word at fault, borrowed from text.
 */
must_check enum err networks_parse(struct str text, struct networks *out, struct str *bad);

/* An IPv4 block has no IPv6 address in it, nor the other way round. */
bool networks_have(const struct networks *networks, const struct address *address);

/*
 * Who asks. peer: as the web server has it (REMOTE_ADDR); forwarded: X-Forwarded-For, all lines of it joined. True when the peer is
 * trusted: out is then the client that the proxies name, or the last of them that can be read. Else false, and out is untouched.
 */
bool address_of_client(const struct networks *trusted, struct str peer, struct str forwarded,
	char out[ADDRESS_TEXT_BYTES]);

#endif
