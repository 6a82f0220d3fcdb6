/*
 * Messages of RFC 5322: plain text in UTF-8, quoted-printable. Nothing here sends them. No address and no name can add a header,
 * because what is not a plain address is no address, and names are quoted or encoded.
 */
#ifndef PUSH_NOTIFY_MAIL_H
#define PUSH_NOTIFY_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/mail_address.h"
#include "lib/text.h"

/* One message. */
struct mail {
	const struct mail_sender *from;
	struct str to;	     /* mail_address_ok */
	const char *subject; /* ASCII, without line breaks */
	struct str text;     /* UTF-8; its lines end in \n */
	struct uuid id;
	int64_t sent_at_us;
};

/* Appends it as it goes over the wire, with \r\n, without the dots of SMTP. */
void mail_write(struct buf *out, const struct mail *mail);

#endif
