/*
 * Requests to a bucket, by URLs that are signed already (lib/s3.h), one after the other over one connection. They block: to be called in
 * a process that is there for it. Called by sweep.c and by parley-bucket.
 */
#ifndef PUSH_NOTIFY_BUCKET_H
#define PUSH_NOTIFY_BUCKET_H

#include <curl/curl.h>

#include "lib/err.h"

enum {
	BUCKET_REASON_BYTES = 256
};

struct bucket_request {
	const char *method; /* GET, PUT or DELETE, as the URL is signed for */
	const char *url;
	int fd; /* for PUT: what is sent, from its first byte to its last, a file; else -1 */
	int limit_ms;
};

/* What came of one. */
struct bucket_answer {
	long status; /* 0: there was none */
	char reason
		[BUCKET_REASON_BYTES]; /* where it is not 2xx: the store's code, as NoSuchBucket, or libcurl's words */
};

/* Does it, on a handle of curl_easy_init, with the authorities of ca (wire.h). A host that is silent, or so slow that it comes to the same,
 * for ten seconds, is given up. ERR_UNAVAILABLE: the answer was not 2xx; nothing is logged. */
must_check enum err bucket_perform(CURL *easy, const char *ca, const struct bucket_request *request,
	struct bucket_answer *answer);

#endif
