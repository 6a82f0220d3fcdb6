/*
 * Who sends a file: this program piece by piece, or the web server, which is told where it is. A server that can says so with the
 * variable SENDFILE_BY, which no client can set, beside the one that it is told by:
 *	lighttpd	X-Sendfile2: path first-last	which it sends as they are, with our status and headers
 *	nginx		X-Accel-Redirect: path		to a location of ops/nginx/parley.conf, where it cuts the range out itself
 * Status, headers and bytes are the same in all three ways (tests/api/download.test.mjs).
 */
#ifndef REST_SENDFILE_H
#define REST_SENDFILE_H

#include "lib/range.h"
#include "rest/request.h"

/* The answer is this part, or all, of an open file below attachments_dir. key: its path there; fd is taken over. */
void sendfile_reply(struct request *req, int status, const char *content_type, int fd,
	const char *key, const struct range *range);

#endif
