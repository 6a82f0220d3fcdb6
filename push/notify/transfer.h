/*
 * Transfers over libcurl, any number at once, each in a process of its own for as long as it takes: libcurl waits inside its calls here and
 * there (7.88 for the last answer of a mail server), and no dead host is to hold up another transfer or the loop. What is
 * transferred is for smtp.c, jwks.c and sweep.c to say.
 */
#ifndef PUSH_NOTIFY_TRANSFER_H
#define PUSH_NOTIFY_TRANSFER_H

#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/text.h"

struct transfers;
struct transfer;

/* What came of one. */
struct transfer_result {
	CURLcode code;
	long answer; /* the last one of the server, a number of its protocol; 0: none */
	char reason[CURL_ERROR_SIZE]; /* in libcurl's words; "" when all is well */
};

/* One under way: the first member of what it belongs to, whose it is. */
struct transfer {
	const char *url;       /* borrowed, as all of these */
	const char *protocols; /* that it may have, as "smtp,smtps" */
	int limit_ms;	       /* whatever runs longer fails */
	size_t body_max;       /* a longer answer fails; 0: there is none to keep */
	/* Sets method, and what is sent; in the process of the transfer, which has a copy of everything. False: it has logged why not. */
	bool (*prepare)(struct transfer *transfer, CURL *easy);
	/* In place of all that: does the work itself, in that process, for at most limit_ms; out is the body. */
	CURLcode (*work)(struct transfer *transfer, struct buf *out);
	/* It has ended: may be started again. body is valid during the call. */
	void (*done)(
		struct transfer *transfer, const struct transfer_result *result, struct str body);

	/* its own */
	struct transfer *next;
	pid_t pid;
	int fd;
	int64_t end_us;
	struct buf received;
};

enum {
	TRANSFERS_MAX = 24 /* at once */
};

/* conf is borrowed. Pairs with transfers_free, before which every transfer has ended or is broken off. */
struct transfers *transfers_new(const struct conf *conf);
void transfers_free(struct transfers *transfers);

/*
 * Begins one. Redirects are not followed, certificates and names are verified, no connection is kept. done is called from
 * transfers_run, never from within this. False, logged: there are too many, or the system has no place for it.
 */
bool transfer_start(struct transfers *transfers, struct transfer *transfer);

/* Ends it at once where it is under way; done is not called. */
void transfer_break(struct transfers *transfers, struct transfer *transfer);

/* What to poll for, and when to come back at the latest: lowers *wake_us. The number of entries written, at most TRANSFERS_MAX. */
size_t transfers_poll(struct transfers *transfers, struct pollfd *fds, int64_t *wake_us);

/* Goes on as far as can be without waiting. True: one or more have ended. */
bool transfers_run(struct transfers *transfers, int64_t now_us);

#endif
