/*
 * Reads the plugin's options, see the header.
 */
#include "push/broker/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include "lib/log.h"

#define US_PER_MS 1000

struct option_row {
	const char *key;
	size_t offset; /* of a char * in struct settings */
	size_t max_bytes;
};

static const struct option_row text_options[] = {
	{ "public_keys", offsetof(struct settings, public_keys), 4096 },
	{ "issuer", offsetof(struct settings, issuer), JOSE_NAME_MAX },
	{ "audience", offsetof(struct settings, audience), JOSE_NAME_MAX },
	{ "secret_file", offsetof(struct settings, secret_file), 4096 },
};
enum {
	NTEXT_OPTIONS = sizeof(text_options) / sizeof(text_options[0])
};

static const struct number_row {
	const char *key;
	size_t offset; /* of an int64_t in struct settings */
	int64_t unit;  /* of the setting, in that of the option */
	int64_t initial;
	int64_t max;
} number_options[] = {
	{ "grace_ms", offsetof(struct settings, grace_us), US_PER_MS, 2000, 60000 },
	{ "commands_per_s", offsetof(struct settings, commands_per_s), 1, 50, 1000000 },
};
enum {
	NNUMBER_OPTIONS = sizeof(number_options) / sizeof(number_options[0])
};

static char **text_of(struct settings *settings, const struct option_row *row)
{
	return (char **)(void *)((char *)settings + row->offset);
}

static bool text_set(struct settings *settings, const struct option_row *row, const char *value)
{
	char **text = text_of(settings, row);
	if (*text || value[0] == '\0' || strlen(value) > row->max_bytes) {
		log_error("plugin option is empty, too long or given twice",
			LOG_STR("option", row->key));
		return false;
	}
	*text = mosquitto_strdup(value);
	if (!*text)
		log_error("out of memory");
	return *text != NULL;
}

static int64_t *number_of(struct settings *settings, const struct number_row *row)
{
	return (int64_t *)(void *)((char *)settings + row->offset);
}

static bool number_set(struct settings *settings, const struct number_row *row, const char *value)
{
	long long number;
	if (!text_parse_int(str_of(value), 0, row->max, &number)) {
		log_error("plugin option is not a number in its range", LOG_STR("option", row->key),
			LOG_INT("max", row->max));
		return false;
	}
	*number_of(settings, row) = number * row->unit;
	return true;
}

static bool gate_set(struct settings *settings, const char *value)
{
	settings->gate = strcmp(value, "true") == 0;
	if (settings->gate || strcmp(value, "false") == 0)
		return true;
	log_error("plugin option is neither true nor false", LOG_STR("option", "gate"));
	return false;
}

static bool option_set(struct settings *settings, const struct mosquitto_opt *option)
{
	for (int i = 0; i < NTEXT_OPTIONS; i++) {
		if (strcmp(option->key, text_options[i].key) == 0)
			return text_set(settings, &text_options[i], option->value);
	}
	for (int i = 0; i < NNUMBER_OPTIONS; i++) {
		if (strcmp(option->key, number_options[i].key) == 0)
			return number_set(settings, &number_options[i], option->value);
	}
	if (strcmp(option->key, "gate") == 0)
		return gate_set(settings, option->value);
	log_error("unknown plugin option", LOG_STR("option", option->key));
	return false;
}

static enum err options_read(
	const struct mosquitto_opt *options, int noptions, struct settings *settings)
{
	bool ok = true;
	settings->gate = true;
	for (int i = 0; i < NNUMBER_OPTIONS; i++)
		*number_of(settings, &number_options[i]) =
			number_options[i].initial * number_options[i].unit;
	for (int i = 0; i < noptions; i++)
		ok &= option_set(settings, &options[i]);
	for (int i = 0; i < NTEXT_OPTIONS; i++) {
		if (*text_of(settings, &text_options[i]))
			continue;
		log_error("plugin option is missing", LOG_STR("option", text_options[i].key));
		ok = false;
	}
	return ok ? OK : ERR_INVALID_INPUT;
}

/* The first line of a regular file; opening anything else could block the broker. */
static enum err secret_read(const char *path, char out[SETTINGS_SECRET_MAX], size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = -1;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		errno = EINVAL;
		n = S_ISREG(st.st_mode) ? read(fd, out, SETTINGS_SECRET_MAX) : -1;
	}
	if (n < 0)
		log_error_errno("cannot read secret file", LOG_STR("path", path));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return ERR_INTERNAL;

	const char *end = memchr(out, '\n', (size_t)n);
	*len = end ? (size_t)(end - out) : (size_t)n;
	if (*len < SETTINGS_SECRET_MIN || *len >= SETTINGS_SECRET_MAX) {
		log_error("secret is too short or too long", LOG_STR("path", path),
			LOG_INT("min", SETTINGS_SECRET_MIN),
			LOG_INT("max", SETTINGS_SECRET_MAX - 1));
		return ERR_INTERNAL;
	}
	return OK;
}

enum err settings_load(const struct mosquitto_opt *options, int noptions, struct settings *out)
{
	bool lost;
	*out = (struct settings){ 0 };
	enum err err = options_read(options, noptions, out);
	return err ? err : settings_reload(out, &lost);
}

enum err settings_reload(struct settings *settings, bool *lost)
{
	char secret[SETTINGS_SECRET_MAX];
	size_t secret_len;
	struct jose_keys *keys;
	enum err err = secret_read(settings->secret_file, secret, &secret_len);
	if (!err)
		err = jose_keys_load(settings->public_keys, &keys);
	if (!err) {
		*lost = settings->keys && !jose_keys_cover(keys, settings->keys);
		jose_keys_free(settings->keys);
		settings->keys = keys;
		memcpy(settings->secret, secret, secret_len);
		settings->secret_len = secret_len;
	}
	explicit_bzero(secret, sizeof(secret));
	return err ? ERR_INTERNAL : OK;
}

void settings_free(struct settings *settings)
{
	for (int i = 0; i < NTEXT_OPTIONS; i++)
		mosquitto_free(*text_of(settings, &text_options[i]));
	jose_keys_free(settings->keys);
	explicit_bzero(settings, sizeof(*settings));
}
