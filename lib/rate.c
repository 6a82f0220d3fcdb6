/* The table of rate classes (rate.h). Called by rest/guard.c and push/command/command.c. */
#include "lib/rate.h"

/* Requests at once, refilled evenly over the window. */
static const struct rate_limit rate_limits[RATE__MAX] = {
	[RATE_REGISTER] = { "register", 30, 60 }, /* an address */
	[RATE_LOGIN] = { "login", 30, 60 },	  /* an address; changing a password: a person */
	[RATE_GUESS] = { "guess", 10, 60 },	  /* passwords of an account, from one address */
	/* from wherever: so much that nobody is locked out by a stranger's ten wrong guesses */
	[RATE_ACCOUNT] = { "account", 60, 60 },
	[RATE_DEVICE] = { "device", 10, 60 }, /* instead: of an account, on a device of its own */
	/* an address, behind which a whole office may be; a token cannot be guessed */
	[RATE_REFRESH] = { "refresh", 600, 60 },
	[RATE_RESET] = { "reset", 30, 3600 },		 /* an address: asking for a new password */
	[RATE_RESET_EMAIL] = { "reset-email", 5, 3600 }, /* the account whose post box it fills */
	[RATE_READ] = { "read", 1200, 60 },
	[RATE_WRITE] = { "write", 600, 60 },
	[RATE_SEND] = { "send", 300, 60 },
	/* an album at once; each costs a process that looks at it */
	[RATE_UPLOAD] = { "upload", 60, 60 },
	/* each 2 s in a few conversations at once */
	[RATE_TYPING] = { "typing", 120, 60 },
	/* once a connect, and a page after the other after a long absence */
	[RATE_SYNC] = { "sync", 120, 60 },
	/* a letter after the other in one name, and not through everybody */
	[RATE_SEARCH] = { "search", 120, 60 },
	/* of everybody in a large group, one after the other */
	[RATE_KEYS] = { "keys", 300, 60 },
	/* a person, and one other whose one-time pre-keys it takes: a few devices of its own need one each, again after each new start. Two
	   hundred last for hours against one who wants them all */
	[RATE_PREKEYS] = { "prekeys", 60, 3600 },
	/* an address, from which a provider may tell of all its people at once; it waits and sends again */
	[RATE_WEBHOOK] = { "webhook", 1200, 60 },
	/* a service token, whomever it acts for: a backend speaks for many */
	[RATE_SERVICE] = { "service", 30000, 60 },
	/* an address, and service tokens that were not good lately: who guesses at them does not keep the database busy */
	[RATE_TOKEN] = { "token", 120, 60 },
	/* a person whose token a worker has not seen, or whom it has turned away: each worker looks at each token once */
	[RATE_SEEN] = { "seen", 600, 60 },
};

struct rate_limit rate_limit_of(enum rate rate, double scale)
{
	struct rate_limit limit = rate_limits[rate];
	double quota = limit.quota * scale;

	limit.quota = quota < 1 ? 1 : quota > UINT32_MAX ? UINT32_MAX : (uint32_t)quota;
	return limit;
}
