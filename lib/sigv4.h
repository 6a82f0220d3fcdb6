/*
 * URLs that are signed beforehand: AWS Signature Version 4 with the signature in the query, as S3 and what is like it take it. Nothing
 * here knows of buckets (s3.h), and nothing opens a connection.
 */
#ifndef LIB_SIGV4_H
#define LIB_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/text.h"

enum {
	SIGV4_PARAMS_MAX = 8, /* of a request, besides those of the signature */
};

/* In place of the body's hash: the body is not signed. */
#define SIGV4_UNSIGNED STR("UNSIGNED-PAYLOAD")

/* Who signs, for what. */
struct sigv4_key {
	struct str id, secret;
	struct str region, service;
};

/* A parameter of the query, not encoded. */
struct sigv4_param {
	struct str name, value;
};

/* What is signed: whoever has the URL may do this until it expires. */
struct sigv4_request {
	struct str method;
	struct str
		host; /* as the header Host has it: with a port unless it is that of the scheme */
	struct str path;		  /* from the first "/" on, not encoded, taken as it is */
	const struct sigv4_param *params; /* in any order, at most SIGV4_PARAMS_MAX */
	size_t nparams;
	struct str payload; /* SHA-256 of the body in hex, or SIGV4_UNSIGNED */
	int64_t at_s;
	int expires_s;
};

/* Appends what stands behind the host in the URL: the path and the query, encoded, with the signature. The secret is not in it, but
 * until it expires it opens what it is for. */
void sigv4_presign(
	const struct sigv4_key *key, const struct sigv4_request *request, struct buf *out);

#endif
