/*
 * What a call can come to. One value per thing a client may be told, so that lib/model/problem.c
 * can turn each into a status, a code and a text without asking anybody else.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

/* On every function that can fail: its result has to be looked at. */
#define must_check __attribute__((warn_unused_result))

enum err {
	OK = 0,

	/* answers: the caller's request cannot be met; never logged as a fault */
	ERR_MALFORMED,	  /* not JSON, not UTF-8, a bad escape */
	ERR_UNAUTHORIZED, /* no token, or one that is not ours */
	ERR_TOKEN_EXPIRED,
	ERR_FORBIDDEN,
	ERR_BLOCKED,   /* one of two people has blocked the other */
	ERR_NOT_FOUND, /* not there, or not for this caller to know of */
	ERR_METHOD_NOT_ALLOWED,
	ERR_NOT_ACCEPTABLE,
	ERR_CONFLICT,  /* the state forbids it */
	ERR_ID_REUSED, /* an idempotency key with other content */
	ERR_GROUP_FULL,
	ERR_QUOTA_EXCEEDED,	 /* of files that one person may have */
	ERR_PRECONDITION_FAILED, /* If-Match names another state of it */
	ERR_TOO_LARGE,
	ERR_URI_TOO_LONG,
	ERR_UNSUPPORTED_MEDIA_TYPE,
	ERR_RANGE_NOT_SATISFIABLE, /* there are no such bytes */
	ERR_INVALID_INPUT,	   /* well-formed, but a field is wrong */
	ERR_RATE_LIMITED,
	ERR_HEADERS_TOO_LARGE,

	/* faults: something of ours is broken or away; logged once, where first seen */
	ERR_INTERNAL,
	ERR_UNAVAILABLE, /* the database is away; the same request may be sent again */

	ERR__MAX
};

#endif
