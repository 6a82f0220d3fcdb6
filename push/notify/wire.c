/* How libcurl is set up (wire.h). */
#include "push/notify/wire.h"

#include <errno.h>
#include <stdio.h>

#include "lib/text.h"
#include "lib/url.h"
#include "lib/version.h"

enum {
	CONNECT_MS = 10000,
	AGENT_BYTES = 64
};

void wire_set(CURL *easy, const char *url, const char *protocols, const char *ca, int limit_ms)
{
	char agent[AGENT_BYTES];
	WIRE_SET(easy, CURLOPT_URL, url);
	WIRE_SET(easy, CURLOPT_PROTOCOLS_STR, protocols);
	WIRE_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	WIRE_SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(limit_ms < CONNECT_MS ? limit_ms : CONNECT_MS));
	WIRE_SET(easy, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	WIRE_SET(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(limit_ms + 999) / 1000);
	WIRE_SET(easy, CURLOPT_NOSIGNAL, 1L);
	WIRE_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	WIRE_SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	WIRE_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca[0] != '\0') {
		WIRE_SET(easy, CURLOPT_CAINFO, ca);
		WIRE_SET(easy, CURLOPT_CAPATH, NULL);
	}
	/* a proxy of the environment is for what lies outside */
	if (url_is_loopback(str_of(url)))
		WIRE_SET(easy, CURLOPT_NOPROXY, "*");
	snprintf(agent, sizeof(agent), "%s/" PARLEY_VERSION, program_invocation_short_name);
	WIRE_SET(easy, CURLOPT_USERAGENT, agent);
}
