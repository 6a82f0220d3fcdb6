/*
 * Any bytes as a list of trusted proxies, a peer and X-Forwarded-For, with line feeds between: what comes out is an address in its one
 * spelling, and nothing but that of a peer who is trusted.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str line_take(struct str *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct str line = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };

	rest->ptr += line.len + (end ? 1 : 0);
	rest->len -= line.len + (end ? 1 : 0);
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str list = line_take(&rest), peer = line_take(&rest), bad = { NULL, 0 };
	struct networks trusted;
	struct address address;
	char client[ADDRESS_TEXT_BYTES], again[ADDRESS_TEXT_BYTES];

	if (networks_parse(list, &trusted, &bad) != OK) {
		if (bad.len == 0 || bad.ptr < list.ptr || bad.ptr + bad.len > list.ptr + list.len)
			abort();
		return 0;
	}
	if (!address_of_client(&trusted, peer, rest, client))
		return 0;
	if (strcmp(client, "unix:") == 0) {
		if (!trusted.sockets)
			abort();
		return 0;
	}
	if (address_parse(str_of(client), &address) != OK)
		abort();
	address_format(&address, again);
	if (strcmp(client, again) != 0)
		abort();
	return 0;
}
