/* URLs of settings, as far as it matters where they lead. */
#ifndef LIB_URL_H
#define LIB_URL_H

#include <stdbool.h>

#include "lib/text.h"

/* "host", "host:port" or "[address]:port" between "://" and the path; len 0: there is none. Borrowed from url. */
struct str url_authority(struct str url);

/* The host of an authority, an address of IPv6 with its brackets. */
struct str url_host(struct str authority);

/* Is the host this very machine: localhost, 127.0.0.0/8 or [::1]? A name that only looks like one is not. */
bool url_is_loopback(struct str url);

/* https, or http that does not leave this machine; with a host, without a name and password, and of nothing but what a URL may have. */
bool url_is_safe(struct str url);

#endif
