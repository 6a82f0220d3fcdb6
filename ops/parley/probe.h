/*
 * Does a program that verifies tokens know a key? Asked with a token that the key signs. For keys.c and doctor.c.
 */
#ifndef OPS_PARLEY_PROBE_H
#define OPS_PARLEY_PROBE_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/jose.h"
#include "ops/parley/operator.h"
#include "ops/parley/wire.h"

enum {
	PROBE_WHY_BYTES = WIRE_WHY_BYTES
};

/* Signs a token of nobody, which ends ttl_s from now (below 0: has ended); on the arena. */
must_check enum err probe_token(
	struct operation *op, struct jose_keys *keys, int64_t ttl_s, const char **out);

/* Asks parley-rest on rest_socket. OK: it knows the key. ERR_UNAUTHORIZED: it does not. ERR_NOT_FOUND: it does not run.
 * ERR_FORBIDDEN: we may not ask. ERR_UNAVAILABLE: no answer that says so. */
must_check enum err probe_rest_knows(struct operation *op, struct jose_keys *keys,
	int64_t deadline_us, char why[PROBE_WHY_BYTES]);

/* Logs in at the broker, as a user that there is not, and leaves. As wire_mqtt. */
must_check enum err probe_broker_login(struct operation *op, struct jose_keys *keys,
	int64_t deadline_us, char why[PROBE_WHY_BYTES]);

/* The user of these tokens, always the same: the broker keeps a word on the presence of each that it has seen. */
extern const char probe_user[];

#endif
