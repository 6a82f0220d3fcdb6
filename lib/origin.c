/* Web origins (origin.h). Called by lib/conf.c and rest/cors.c. */
#include "lib/origin.h"

static const struct {
	const char *scheme;
	long long port; /* that no browser sends */
} own_ports[] = {
	{ "http", 80 },
	{ "https", 443 },
};

static bool is_of(struct str text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(others, c)) ||
			c == '\0')
			return false;
	}
	return text.len > 0;
}

/* Takes a name or an address in brackets from the front. */
static bool host_take(struct str *text)
{
	const char *end;
	struct str host = *text;

	if (host.len > 0 && host.ptr[0] == '[') {
		end = memchr(host.ptr, ']', host.len);
		if (!end)
			return false;
		host = (struct str){ host.ptr + 1, (size_t)(end - host.ptr - 1) };
		text->len -= host.len + 2;
		text->ptr += host.len + 2;
		return is_of(host, ":.");
	}
	end = host.len > 0 ? memchr(host.ptr, ':', host.len) : NULL;
	host.len = end ? (size_t)(end - host.ptr) : host.len;
	text->len -= host.len;
	text->ptr += host.len;
	return is_of(host, ".-_");
}

static bool port_ok(struct str scheme, struct str port)
{
	long long number;

	if (port.len == 0)
		return true;
	if (port.ptr[0] != ':' ||
		!text_parse_int((struct str){ port.ptr + 1, port.len - 1 }, 1, 65535, &number))
		return false;
	for (size_t i = 0; i < sizeof(own_ports) / sizeof(own_ports[0]); i++) {
		if (str_equal(scheme, str_of(own_ports[i].scheme)) && number == own_ports[i].port)
			return false;
	}
	return true;
}

/* NULL: it is an origin. */
static const char *origin_fault(struct str word)
{
	const char *colon = memchr(word.ptr, ':', word.len);
	struct str scheme = { word.ptr, colon ? (size_t)(colon - word.ptr) : 0 };
	struct str rest = { word.ptr + scheme.len, word.len - scheme.len };

	if (str_equal(word, STR("*")))
		return "* is not taken: name each origin whose pages may call";
	if (!is_of(scheme, "+.-") || scheme.ptr[0] < 'a' || !str_starts(rest, STR("://")))
		return "not scheme://host or scheme://host:port, in lower case";
	rest.ptr += 3;
	rest.len -= 3;
	if (!host_take(&rest))
		return "not a host in lower case, as browsers send it";
	if (!port_ok(scheme, rest))
		return "behind the host may be a port other than the scheme's own, and nothing "
		       "else";
	return NULL;
}

enum err origins_check(struct str list, struct str *bad, const char **why)
{
	struct str word;

	while (text_next_word(&list, &word)) {
		const char *fault = origin_fault(word);

		if (fault) {
			*bad = word;
			*why = fault;
			return ERR_INVALID_INPUT;
		}
	}
	return OK;
}

bool origins_have(struct str list, struct str origin)
{
	struct str word;

	while (text_next_word(&list, &word)) {
		if (str_equal(word, origin))
			return true;
	}
	return false;
}
