/*
 * Asks the other programs something as their clients do, each question with a deadline: HTTP to the web server and to
 * parley-push, FastCGI to parley-rest, MQTT to the broker. For keys.c and doctor.c. Everything is read into the arena; why
 * is for people, and says what happened instead.
 */
#ifndef OPS_PARLEY_WIRE_H
#define OPS_PARLEY_WIRE_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/text.h"

enum {
	WIRE_WHY_BYTES = 160
};

struct wire_answer {
	int status;
	struct str head; /* without the status line */
	struct str body;
};

/* Where something listens: a host and a port, or the path of a UNIX socket. */
struct wire_place {
	const char *host;
	int port;
	const char *path; /* NULL: host and port */
};

/* ERR_UNAVAILABLE: nobody is there, or no whole answer came before deadline_us (of time_mono_us). ERR_NOT_FOUND: the UNIX
 * socket is not there, or nobody listens on it. ERR_FORBIDDEN: we may not enter it. headers: lines with "\r\n", or "". */
must_check enum err wire_http(struct arena *arena, const struct wire_place *place, const char *path,
	const char *headers, int64_t deadline_us, struct wire_answer *out,
	char why[WIRE_WHY_BYTES]);

/* The same, asked of a FastCGI program; token: the bearer's, or NULL. */
must_check enum err wire_fastcgi(struct arena *arena, const struct wire_place *place,
	const char *path, const char *token, int64_t deadline_us, struct wire_answer *out,
	char why[WIRE_WHY_BYTES]);

/* Value of a field of the head, trimmed; ptr NULL: it is not there. */
struct str wire_header(const struct wire_answer *answer, const char *name);

/* What a broker says to a login; name NULL: an anonymous one. */
struct wire_login {
	const char *client_id;
	const char *name;
	const char *password;
};

/*
 * Connects over MQTT 3.1.1 and leaves again. OK: let in. ERR_UNAUTHORIZED: refused. ERR_CONFLICT: it closed the connection
 * without a word, as the plugin does to users while it is not open. ERR_UNAVAILABLE: no broker, or no answer in time.
 */
must_check enum err wire_mqtt(const struct wire_place *place, const struct wire_login *login,
	int64_t deadline_us, char why[WIRE_WHY_BYTES]);

#endif
