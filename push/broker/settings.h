/*
 * The plugin_opt_… lines of mosquitto.conf, and the files that they name.
 */
#ifndef PUSH_BROKER_SETTINGS_H
#define PUSH_BROKER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/jose.h"
#include "lib/text.h"

struct mosquitto_opt;

enum {
	SETTINGS_SECRET_MAX = 512,
	SETTINGS_SECRET_MIN = 16
};

struct settings {
	char *public_keys; /* PEM files, a space between */
	char *issuer;
	char *audience;
	char *secret_file;
	int64_t grace_us;	/* from the last connection's end to "offline" */
	int64_t commands_per_s; /* of one user; 0: no limit */
	bool gate;		/* nobody comes in before parley-push says so */

	struct jose_keys *keys;
	char secret[SETTINGS_SECRET_MAX];
	size_t secret_len;
};

/* Reads all options, then the files. ERR_INVALID_INPUT, each fault logged, when an option is
 * unknown, missing or bad, ERR_INTERNAL when a file cannot be used; *out is then to be freed all
 * the same. Pairs with settings_free. */
must_check enum err settings_load(
	const struct mosquitto_opt *options, int noptions, struct settings *out);
void settings_free(struct settings *settings);

/* Reads the files again. ERR_INTERNAL, logged, when one cannot be used: then nothing has changed.
 * *lost tells whether a key that was there is no more. */
must_check enum err settings_reload(struct settings *settings, bool *lost);

/* The secret of parley-push, borrowed. */
static inline struct str settings_secret(const struct settings *settings)
{
	return (struct str){ settings->secret, settings->secret_len };
}

#endif
