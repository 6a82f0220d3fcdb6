/* Addresses of mail (RFC 5322): those of people, and of who sends. Used for the settings and by parley-notify. */
#ifndef LIB_MAIL_ADDRESS_H
#define LIB_MAIL_ADDRESS_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/text.h"

/* Who sends: the setting mail_from, taken apart; borrowed from it. */
struct mail_sender {
	struct str name; /* len 0: none */
	struct str address;
};

/* "address" or "Name <address>". ERR_INVALID_INPUT. */
must_check enum err mail_sender_read(struct str text, struct mail_sender *out);

/* Is it an address that can stand in a header and in SMTP as it is: dot-atom @ domain, at most 254 bytes of UTF-8? Quoted local parts
 * and addresses of hosts are none. */
bool mail_address_ok(struct str address);

#endif
