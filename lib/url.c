/* URLs of settings (url.h). */
#include "lib/url.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	HOST_MAX = 255
};

struct str url_authority(struct str url)
{
	const char *mark = url.len > 0 ? memmem(url.ptr, url.len, "://", 3) : NULL;
	if (!mark)
		return (struct str){ url.ptr, 0 };
	struct str authority = { mark + 3, url.len - (size_t)(mark + 3 - url.ptr) };
	for (size_t i = 0; i < authority.len; i++) {
		if (strchr("/?#", authority.ptr[i]))
			authority.len = i;
	}
	return authority;
}

struct str url_host(struct str authority)
{
	bool bracket = authority.len > 0 && authority.ptr[0] == '[';
	const char *end = authority.len > 0
				  ? memchr(authority.ptr, bracket ? ']' : ':', authority.len)
				  : NULL;
	if (!end)
		return bracket ? (struct str){ authority.ptr, 0 } : authority;
	return (struct str){ authority.ptr, (size_t)(end - authority.ptr) + bracket };
}

bool url_is_loopback(struct str url)
{
	struct str host = url_host(url_authority(url));
	char copy[HOST_MAX + 1];
	struct in_addr address;
	if (str_equal_nocase(host, STR("localhost")) || str_equal(host, STR("[::1]")))
		return true;
	if (host.len > HOST_MAX)
		return false;
	memcpy(copy, host.ptr, host.len);
	copy[host.len] = '\0';
	return inet_pton(AF_INET, copy, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool url_is_safe(struct str url)
{
	static const struct str https = { "https://", 8 }, http = { "http://", 7 };
	bool plain = str_starts(url, http);
	if (!plain && !str_starts(url, https))
		return false;
	for (size_t i = 0; i < url.len; i++) {
		if (url.ptr[i] <= 0x20 || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", url.ptr[i]))
			return false;
	}
	struct str authority = url_authority(url);
	return url_host(authority).len > 0 && !memchr(authority.ptr, '@', authority.len) &&
	       (!plain || url_is_loopback(url));
}
