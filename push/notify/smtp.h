/*
 * Handing mail to a server by SMTP, by the settings smtp_url, smtp_starttls, smtp_user and smtp_password_file; a few at once.
 */
#ifndef PUSH_NOTIFY_SMTP_H
#define PUSH_NOTIFY_SMTP_H

#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/text.h"
#include "push/notify/mail.h"
#include "push/notify/transfer.h"

enum {
	SMTP_LIMIT_MS = 30000, /* for one mail, from the connection to the last answer */
	SMTP_PATH_MAX = 260
};

/* What came of one. */
enum smtp_result {
	SMTP_SENT,    /* the server has taken it on */
	SMTP_LATER,   /* not now: the server is away, busy, or does not let us in */
	SMTP_REFUSED, /* never */
};

/* One under way; zeroed, it is none. The first member of what it belongs to. */
struct smtp {
	struct transfer transfer;
	const struct conf *conf;
	struct buf message; /* set by the caller */
	size_t given;	    /* of it, to libcurl */
	char from[SMTP_PATH_MAX], to[SMTP_PATH_MAX];
	/* reason: for the log, without the address; valid during the call. smtp_free may be called from here. */
	void (*done)(struct smtp *smtp, enum smtp_result result, const char *reason);
};

/* Sends smtp->message from an address to another, and calls smtp->done, never from within this. conf is borrowed. False: it could not be
 * started. */
bool smtp_send(struct smtp *smtp, struct transfers *transfers, const struct conf *conf,
	struct str from, struct str to);

/* Breaks it off where it is under way. A zeroed one is legal. */
void smtp_free(struct smtp *smtp, struct transfers *transfers);

#endif
