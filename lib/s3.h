/*
 * A bucket in place of a directory, by the settings attachments_s3_*: what the URLs of its objects are. Whoever gets, puts or deletes
 * needs such a URL and nothing else; nothing here opens a connection. Called by rest/bucket.c, rest/handler/download.c, push/notify/sweep.c
 * and parley doctor.
 */
#ifndef LIB_S3_H
#define LIB_S3_H

#include <stdbool.h>

#include "lib/conf.h"
#include "lib/sigv4.h"

/* Is there a bucket? */
bool s3_used(const struct conf *conf);

/*
 * Appends the URL by which whoever has it may do this from at_us on for expires_s: method is GET, HEAD, PUT or DELETE; key is the object's,
 * without a slash before it; params are signed, too: how S3 is to answer (response-content-type …). In a bucket of the settings, which
 * are good. Not for logs.
 */
void s3_url(const struct conf *conf, const char *method, const char *key,
	const struct sigv4_param *params, size_t nparams, int64_t at_us, int expires_s,
	struct buf *out);

#endif
