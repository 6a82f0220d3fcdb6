/* How libcurl is set up wherever something goes out: what holds for every transfer. Called by transfer.c and bucket.c. */
#ifndef PUSH_NOTIFY_WIRE_H
#define PUSH_NOTIFY_WIRE_H

#include <curl/curl.h>

#include "lib/log.h"

/* What cannot be set is a mistake of ours, or there is no memory. */
#define WIRE_SET(easy, option, value)                                                              \
	do {                                                                                       \
		if (curl_easy_setopt((easy), (option), (value)) != CURLE_OK)                       \
			fatal("a transfer cannot be set up", LOG_STR("option", #option));          \
	} while (0)

/*
 * To url by one of protocols ("http,https"), for at most limit_ms: redirects are not followed, certificates and names are verified, by the
 * authorities of the PEM file ca, or, where that is "", the system's. A failure ends the process.
 */
void wire_set(CURL *easy, const char *url, const char *protocols, const char *ca, int limit_ms);

#endif
