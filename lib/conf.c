/*
 * Settings: one table, a row a key, from which everything follows: reading the file, reading the
 * environment, checking, defaults and the printed example. Called once at the start by each
 * program. Not for the broker plugin, whose settings come from mosquitto's own configuration.
 */
#include "lib/conf.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/conf_identity.h"
#include "lib/conf_mail.h"
#include "lib/conf_s3.h"
#include "lib/log.h"
#include "lib/media_type.h"
#include "lib/origin.h"
#include "lib/text.h"

enum conf_type {
	CONF_STRING,
	CONF_PATH,
	CONF_INT,
	CONF_DOUBLE,
	CONF_BOOL,
	CONF_LEVEL,
	CONF_FANOUT,
	CONF_NETWORKS,
	CONF_ORIGINS,
	CONF_MEDIA_TYPES,
	CONF_STARTTLS,
	CONF_TYPE__MAX
};

/* min and max: of the number, or of the length of a text in bytes. */
struct conf_key {
	const char *key;
	enum conf_type type;
	const char *unit;
	size_t offset;
	double min, max;
	const char *value; /* the default, as it would stand in a file */
	bool secret;	   /* never logged */
	const char *help;
};

enum {
	TEXT_MAX = 1024,
	LIST_MAX = 4095,
	PATH_BYTES_MAX = 4095,
	SOCKET_MAX = 96, /* what a UNIX socket's address can hold, with ".attachment" behind it */
	KEY_MAX = 64,
};

#define AT(field) offsetof(struct conf, field)

/* clang-format off */
static const struct conf_key keys[] = {
	{ "var", CONF_PATH, NULL, AT(var), 1, PATH_BYTES_MAX, "var", false,
		"directory of data, keys, sockets and logs" },
	{ "bind", CONF_STRING, NULL, AT(bind), 1, 255, "127.0.0.1", false,
		"address of the listeners" },
	{ "port", CONF_INT, NULL, AT(port), 1, 65535, "8080", false,
		"page, API and MQTT on WebSocket" },
	{ "mqtt_port", CONF_INT, NULL, AT(mqtt_port), 1, 65535, "1883", false,
		"MQTT on TCP" },
	{ "metrics_port", CONF_INT, NULL, AT(metrics_port), 1, 65535, "9464", false,
		"health and metrics of parley-push, on loopback" },
	{ "demo", CONF_BOOL, NULL, AT(demo), 0, 1, "true", false,
		"make demo people and conversations on the first start" },

	{ "rest_database", CONF_STRING, NULL, AT(rest_database), 0, TEXT_MAX, "", true,
		"connection string of parley-rest; empty: the private cluster in var/run" },
	{ "push_database", CONF_STRING, NULL, AT(push_database), 0, TEXT_MAX, "", true,
		"connection string of parley-push; empty: the private cluster in var/run" },
	{ "owner_database", CONF_STRING, NULL, AT(owner_database), 0, TEXT_MAX, "", true,
		"connection string of the schema's owner, for the command parley; empty: the private cluster" },
	{ "notify_database", CONF_STRING, NULL, AT(notify_database), 0, TEXT_MAX, "", true,
		"connection string of parley-notify; empty: the private cluster in var/run" },
	{ "statement_timeout_ms", CONF_INT, "ms", AT(statement_timeout_ms), 1, 3600000, "5000", false,
		"no statement of a request runs longer" },

	{ "rest_socket", CONF_PATH, NULL, AT(rest_socket), 0, SOCKET_MAX, "", false,
		"UNIX socket of parley-rest; empty: var/run/rest.sock; with .password behind it for /auth, with .attachment for files" },
	{ "rest_workers", CONF_INT, "processes", AT(rest_workers), 1, 64, "8", false,
		"workers of parley-rest, each with one database connection" },
	{ "rest_backlog", CONF_INT, "connections", AT(rest_backlog), 1, 65535, "4096", false,
		"connections that may wait for a worker; the kernel's somaxconn bounds it" },
	{ "shm", CONF_PATH, NULL, AT(shm), 0, PATH_BYTES_MAX, "", false,
		"file of shared counters and rate limits; empty: var/run/rest.shm" },
	{ "rate_scale", CONF_DOUBLE, NULL, AT(rate_scale), 0, 1e6, "1", false,
		"multiplies every rate limit; 0: no limits" },
	{ "access_log", CONF_BOOL, NULL, AT(access_log), 0, 1, "true", false,
		"log one line a request" },
	{ "password_concurrency", CONF_INT, "hashes", AT(password_concurrency), 0, 64, "2", false,
		"of passwords at once, each of 19 MiB, by as many workers besides; 0: any number, by all workers" },
	{ "trusted_proxies", CONF_NETWORKS, NULL, AT(trusted_proxies), 0, LIST_MAX, "", false,
		"peers whose X-Forwarded-For, -Proto and -Host are believed, space between; unix: for those on a UNIX socket" },
	{ "cors_origins", CONF_ORIGINS, NULL, AT(cors_origins), 0, LIST_MAX, "", false,
		"web origins whose pages may call the API, space between, such as https://www.example.com" },

	{ "token_private_key", CONF_PATH, NULL, AT(token_private_key), 0, PATH_BYTES_MAX, "", false,
		"PEM file that signs tokens; empty: var/keys/token.key" },
	{ "token_public_keys", CONF_STRING, NULL, AT(token_public_keys), 0, PATH_BYTES_MAX, "", false,
		"PEM files that verify tokens, each of one key or several, space between; empty: var/keys/token.pub" },
	{ "token_issuer", CONF_STRING, NULL, AT(token_issuer), 1, 255, "parley", false,
		"issuer of the tokens made here" },
	{ "token_audience", CONF_STRING, NULL, AT(token_audience), 1, 255, "parley", false,
		"audience of the tokens made here" },
	{ "token_ttl_s", CONF_INT, "s", AT(token_ttl_s), 1, 86400, "900", false,
		"life of an access token" },
	{ "refresh_ttl_s", CONF_INT, "s", AT(refresh_ttl_s), 1, 315360000, "2592000", false,
		"life of a refresh token that is not used" },

	{ "idp_issuer", CONF_STRING, NULL, AT(idp_issuer), 0, LIST_MAX, "", false,
		"identity providers, as their tokens spell iss; spaces between" },
	{ "idp_audience", CONF_STRING, NULL, AT(idp_audience), 0, LIST_MAX, "", false,
		"the audience that tokens of each must have, in the same order" },
	{ "idp_jwks_url", CONF_STRING, NULL, AT(idp_jwks_url), 0, LIST_MAX, "", false,
		"where the keys of each are: https, or http on loopback; in the same order" },
	{ "idp_refresh_s", CONF_INT, "s", AT(idp_refresh_s), 60, 86400, "3600", false,
		"the providers' keys are fetched as often, and when a token names an unknown one" },
	{ "idp_claim_handle", CONF_STRING, NULL, AT(idp_claim_handle), 0, TEXT_MAX,
		"preferred_username username nickname", false,
		"claims for the handle of a new person: the first that can be one" },
	{ "idp_claim_name", CONF_STRING, NULL, AT(idp_claim_name), 0, TEXT_MAX, "name", false,
		"claims for the display name" },
	{ "idp_claim_email", CONF_STRING, NULL, AT(idp_claim_email), 0, TEXT_MAX, "email", false,
		"claims for the e-mail address; none is taken where email_verified is false" },
	{ "idp_claim_avatar", CONF_STRING, NULL, AT(idp_claim_avatar), 0, TEXT_MAX, "picture image_url", false,
		"claims for the avatar's URL" },
	{ "identity_webhook_secret", CONF_STRING, NULL, AT(identity_webhook_secret), 0, TEXT_MAX, "", true,
		"secrets of POST /webhooks/identity (whsec_…), space between; empty: it is refused" },
	{ "identity_webhook_issuer", CONF_STRING, NULL, AT(identity_webhook_issuer), 0, 255, "", false,
		"whose people that webhook tells of; empty: the first of idp_issuer" },

	{ "broker_host", CONF_STRING, NULL, AT(broker_host), 1, 255, "127.0.0.1", false,
		"where parley-push finds the broker" },
	{ "broker_port", CONF_INT, NULL, AT(broker_port), 0, 65535, "0", false,
		"and its port; 0: mqtt_port" },
	{ "broker_secret", CONF_PATH, NULL, AT(broker_secret), 0, PATH_BYTES_MAX, "", false,
		"file with the secret of parley-push; empty: var/keys/broker.secret" },
	{ "mqtt_url", CONF_STRING, NULL, AT(mqtt_url), 0, TEXT_MAX, "", false,
		"what clients are told; empty: mqtt://, the host they asked, mqtt_port" },
	{ "mqtt_ws_url", CONF_STRING, NULL, AT(mqtt_ws_url), 0, TEXT_MAX, "", false,
		"what clients are told; empty: ws:// or wss://, the host they asked, /mqtt" },

	{ "broker_fanout", CONF_FANOUT, NULL, AT(broker_fanout), 0, 0, "control", false,
		"control: the plugin delivers to people; publish: parley-push does, for a broker without it" },

	{ "push_connections", CONF_INT, "connections", AT(push_connections), 1, 16, "4", false,
		"database connections of parley-push for commands" },
	{ "slot", CONF_STRING, NULL, AT(slot), 1, 59, "parley", false,
		"replication slot of parley-push" },
	{ "resync_window_ms", CONF_INT, "ms", AT(resync_window_ms), 0, 3600000, "10000", false,
		"after a lost slot clients are told to sync, spread over this" },

	{ "smtp_url", CONF_STRING, NULL, AT(smtp_url), 0, TEXT_MAX, "", false,
		"where parley-notify hands in mail: smtp://host:port or smtps://host:port; empty: there is no mail" },
	{ "smtp_starttls", CONF_STARTTLS, NULL, AT(smtp_starttls), 0, 0, "auto", false,
		"of smtp://: always, never, or auto: always, but not on loopback" },
	{ "smtp_user", CONF_STRING, NULL, AT(smtp_user), 0, 255, "", false,
		"user to log in as there; empty: none" },
	{ "smtp_password_file", CONF_PATH, NULL, AT(smtp_password_file), 0, PATH_BYTES_MAX, "", false,
		"file with that user's password" },
	{ "mail_from", CONF_STRING, NULL, AT(mail_from), 0, 320, "", false,
		"sender of mail: address, or Name <address>" },
	{ "reset_url", CONF_STRING, NULL, AT(reset_url), 0, TEXT_MAX, "", false,
		"page of yours that sets a new password, with {token} where the token goes, best behind a #" },
	{ "reset_ttl_s", CONF_INT, "s", AT(reset_ttl_s), 60, 86400, "3600", false,
		"life of the token that a forgotten password is reset with" },
	{ "tls_ca", CONF_PATH, NULL, AT(tls_ca), 0, PATH_BYTES_MAX, "", false,
		"PEM file of the authorities that parley-notify trusts; empty: those of the system" },

	{ "body_max_bytes", CONF_INT, "bytes", AT(body_max_bytes), 1, 65536, "65536", false,
		"longest text of a message" },
	{ "ciphertext_max_bytes", CONF_INT, "bytes", AT(ciphertext_max_bytes), 1, 65536, "65536", false,
		"longest encrypted content of a message, decoded" },
	{ "metadata_max_bytes", CONF_INT, "bytes", AT(metadata_max_bytes), 2, 16384, "16384", false,
		"longest metadata of a message" },
	{ "edit_window_s", CONF_INT, "s", AT(edit_window_s), 0, 315360000, "0", false,
		"how long after it was sent a message may be edited; 0: for ever" },
	{ "message_versions", CONF_BOOL, NULL, AT(message_versions), 0, 1, "false", false,
		"keep what an edit replaces, for who wrote it" },
	{ "erase_messages", CONF_BOOL, NULL, AT(erase_messages), 0, 1, "false", false,
		"the messages of an account that is erased go, too; else they stay, as of a deleted user" },
	{ "receipt_times_days", CONF_INT, "days", AT(receipt_times_days), 1, 36500, "30", false,
		"how long it is known when somebody has read a message, or has had it delivered; that it is so is known for ever" },
	{ "group_max_members", CONF_INT, "people", AT(group_max_members), 2, 4096, "256", false,
		"members of a group" },
	{ "system_messages", CONF_BOOL, NULL, AT(system_messages), 0, 1, "true", false,
		"say among the messages of a group who comes and goes, and how it is renamed" },
	{ "contacts_max", CONF_INT, "people", AT(contacts_max), 1, 100000, "5000", false,
		"contacts of one person" },
	{ "blocks_max", CONF_INT, "people", AT(blocks_max), 1, 100000, "1000", false,
		"whom one person may have blocked" },
	{ "sync_cursor_ttl_s", CONF_INT, "s", AT(sync_cursor_ttl_s), 1, 315360000, "2592000", false,
		"life of a cursor of GET /sync: who was away for longer begins anew" },

	{ "attachments_dir", CONF_PATH, NULL, AT(attachments_dir), 0, PATH_BYTES_MAX, "", false,
		"directory of what was uploaded; empty: var/attachments" },
	{ "attachment_max_bytes", CONF_INT, "bytes", AT(attachment_max_bytes), 1, 2147483647, "26214400", false,
		"largest file; the web server has to let it through, too" },
	{ "attachment_quota_mib", CONF_INT, "MiB", AT(attachment_quota_mib), 0, 1073741824, "2048", false,
		"all files of one person; 0: any number" },
	{ "attachment_types", CONF_MEDIA_TYPES, NULL, AT(attachment_types), 1, LIST_MAX, "*/*", false,
		"what is taken, by what its content is: image/png, image/*, */*; spaces between" },
	{ "attachment_workers", CONF_INT, "processes", AT(attachment_workers), 0, 64, "4", false,
		"workers of parley-rest besides, for uploads; 0: files are taken by all workers" },

	{ "audit_ttl_days", CONF_INT, "days", AT(audit_ttl_days), 1, 36500, "365", false,
		"how long the audit log of service tokens is kept" },

	{ "attachment_orphan_s", CONF_INT, "s", AT(attachment_orphan_s), 1, 31536000, "86400", false,
		"what was uploaded and is in no message is deleted when it is so old" },
	{ "attachments_s3_endpoint", CONF_STRING, NULL, AT(attachments_s3_endpoint), 0, 255, "", false,
		"S3-compatible store in place of a directory: https://host, or http on loopback; clients have to reach it; empty: none" },
	{ "attachments_s3_region", CONF_STRING, NULL, AT(attachments_s3_region), 0, 63, "us-east-1", false,
		"its region" },
	{ "attachments_s3_bucket", CONF_STRING, NULL, AT(attachments_s3_bucket), 0, 63, "", false,
		"the bucket, which is for this alone and not public" },
	{ "attachments_s3_access_key", CONF_STRING, NULL, AT(attachments_s3_access_key), 0, 128, "", false,
		"id of a key that may get, put and delete objects there" },
	{ "attachments_s3_secret_key", CONF_STRING, NULL, AT(attachments_s3_secret_key), 0, 128, "", true,
		"and its secret" },
	{ "attachments_s3_path_style", CONF_BOOL, NULL, AT(attachments_s3_path_style), 0, 1, "false", false,
		"the bucket is the first part of the path, not of the host: for most that are not AWS" },

	{ "log_level", CONF_LEVEL, NULL, AT(log_level), 0, 0, "info", false,
		"debug, info, warn or error" },
};
/* clang-format on */

/* Variables that are for the set-up scripts, build and tests; one ending in '_' stands for all that
 * begin so. */
static const char *const foreign_names[] = {
	"PARLEY_ASAN",
	"PARLEY_BUILD",
	"PARLEY_CONF",
	"PARLEY_HANDOVER",
	"PARLEY_TEST_",
	"PARLEY_WS_PORT",
};

/* Paths that stay empty become var and this. */
static const struct {
	size_t offset;
	const char *below;
} var_paths[] = {
	{ AT(rest_socket), "run/rest.sock" },
	{ AT(shm), "run/rest.shm" },
	{ AT(attachments_dir), "attachments" },
	{ AT(token_private_key), "keys/token.key" },
	{ AT(token_public_keys), "keys/token.pub" },
	{ AT(broker_secret), "keys/broker.secret" },
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

static const char *const fanout_names[] = {
	[BROKER_FANOUT_CONTROL] = "control",
	[BROKER_FANOUT_PUBLISH] = "publish",
};

static const char *const starttls_names[] = {
	[SMTP_STARTTLS_AUTO] = "auto",
	[SMTP_STARTTLS_ALWAYS] = "always",
	[SMTP_STARTTLS_NEVER] = "never",
};

static const struct {
	const char *word;
	bool truth;
} bool_words[] = {
	{ "true", true },
	{ "yes", true },
	{ "on", true },
	{ "1", true },
	{ "false", false },
	{ "no", false },
	{ "off", false },
	{ "0", false },
};

/* What a value of each type has to look like, for the log and the example. */
static const char *const type_wants[CONF_TYPE__MAX] = {
	[CONF_STRING] = "text",
	[CONF_PATH] = "path",
	[CONF_INT] = "whole number",
	[CONF_DOUBLE] = "number",
	[CONF_BOOL] = "true or false",
	[CONF_LEVEL] = "debug, info, warn or error",
	[CONF_FANOUT] = "control or publish",
	[CONF_NETWORKS] = "addresses and CIDR blocks",
	[CONF_ORIGINS] = "origins",
	[CONF_MEDIA_TYPES] = "media types and ranges of them",
	[CONF_STARTTLS] = "auto, always or never",
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ENV_PREFIX "PARLEY_"

/* Where a value comes from: a line of a file, or (line 0) a variable of the environment. */
struct origin {
	const char *name;
	int line;
};

static char *text_copy(struct str text)
{
	char *copy = malloc(text.len + 1);
	if (!copy)
		fatal("out of memory", LOG_INT("bytes", text.len));
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

__attribute__((format(printf, 1, 2))) static char *text_printf(const char *format, ...)
{
	char *text;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		fatal("out of memory");
	return text;
}

static void *conf_at(struct conf *conf, size_t offset)
{
	return (char *)conf + offset;
}

static bool is_text(enum conf_type type)
{
	return type == CONF_STRING || type == CONF_PATH || type == CONF_NETWORKS ||
	       type == CONF_ORIGINS || type == CONF_MEDIA_TYPES;
}

/* Digits with at most one point between them: none of the other spellings that strtod takes. */
static bool parse_double(struct str text, double min, double max, double *value)
{
	static const char allowed[] = "0123456789.";
	char copy[32];
	if (text.len == 0 || text.len >= sizeof(copy) || !isdigit((unsigned char)text.ptr[0]) ||
		!isdigit((unsigned char)text.ptr[text.len - 1]))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	char *end;
	double number = strtod(copy, &end);
	if (strspn(copy, allowed) != text.len || *end || number < min || number > max)
		return false;
	*value = number;
	return true;
}

static bool parse_bool(struct str text, bool *value)
{
	for (size_t i = 0; i < COUNT(bool_words); i++) {
		if (str_equal(text, str_of(bool_words[i].word))) {
			*value = bool_words[i].truth;
			return true;
		}
	}
	return false;
}

/* One of a list of words, by its place. */
static bool parse_word(struct str text, const char *const *words, size_t nwords, int *value)
{
	for (size_t i = 0; i < nwords; i++) {
		if (str_equal(text, str_of(words[i]))) {
			*value = (int)i;
			return true;
		}
	}
	return false;
}

static bool set_text(const struct conf_key *key, struct str text, char **value)
{
	if ((double)text.len < key->min || (double)text.len > key->max || text_has_control(text))
		return false;
	free(*value);
	*value = text_copy(text);
	return true;
}

static void log_bad_word(const char *why, struct str word)
{
	char *shown = text_copy(word);
	log_error("bad word in the configuration", LOG_STR("word", shown), LOG_STR("reason", why));
	free(shown);
}

/* A list of which each word has to be right. */
static bool set_list(const struct conf_key *key, struct str text, char **value)
{
	struct networks networks;
	struct str bad;
	const char *why;
	enum err err;
	if (key->type == CONF_NETWORKS) {
		why = "neither an address nor a CIDR block";
		err = networks_parse(text, &networks, &bad);
	} else if (key->type == CONF_MEDIA_TYPES) {
		why = "neither a media type nor a range of them";
		err = media_types_check(text, &bad);
	} else {
		err = origins_check(text, &bad, &why);
	}
	if (err != OK)
		log_bad_word(why, bad);
	return err == OK && set_text(key, text, value);
}

static bool set_int(const struct conf_key *key, struct str text, int *value)
{
	long long number;
	if (!text_parse_int(text, (long long)key->min, (long long)key->max, &number))
		return false;
	*value = (int)number;
	return true;
}

/* False when the text is no value of the key; conf is then as it was. */
static bool set_value(struct conf *conf, const struct conf_key *key, struct str text)
{
	void *at = conf_at(conf, key->offset);
	switch (key->type) {
	case CONF_STRING:
	case CONF_PATH:
		return set_text(key, text, at);
	case CONF_NETWORKS:
	case CONF_ORIGINS:
	case CONF_MEDIA_TYPES:
		return set_list(key, text, at);
	case CONF_INT:
		return set_int(key, text, at);
	case CONF_DOUBLE:
		return parse_double(text, key->min, key->max, at);
	case CONF_BOOL:
		return parse_bool(text, at);
	case CONF_LEVEL:
		return parse_word(text, level_names, COUNT(level_names), at);
	case CONF_FANOUT:
		return parse_word(text, fanout_names, COUNT(fanout_names), at);
	case CONF_STARTTLS:
		return parse_word(text, starttls_names, COUNT(starttls_names), at);
	case CONF_TYPE__MAX:
		break;
	}
	return false;
}

/* "1 to 64", "at most 107 bytes", "" */
static void describe_bounds(const struct conf_key *key, char *out, size_t size)
{
	out[0] = '\0';
	if (is_text(key->type))
		snprintf(out, size, "%s%.0f bytes", key->min > 0 ? "1 to " : "at most ", key->max);
	else if (key->type == CONF_INT || key->type == CONF_DOUBLE)
		snprintf(out, size, "%.0f to %.0f", key->min, key->max);
}

/* One spelling to one key: lower case, a dot for an underscore. NULL when there is none. */
static const struct conf_key *key_find(struct str name)
{
	char plain[KEY_MAX];
	if (name.len >= sizeof(plain))
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		plain[i] = name.ptr[i] == '.' ? '_' : name.ptr[i];
	struct str wanted = { plain, name.len };
	for (size_t i = 0; i < COUNT(keys); i++)
		if (str_equal(wanted, str_of(keys[i].key)))
			return &keys[i];
	return NULL;
}

static void log_bad_value(const struct origin *origin, const struct conf_key *key, struct str text)
{
	char bounds[64];
	describe_bounds(key, bounds, sizeof(bounds));
	char *shown = text_copy(key->secret ? STR("(not shown)") : text);
	log_error("bad value in the configuration", LOG_STR("from", origin->name),
		LOG_INT("line", origin->line), LOG_STR("key", key->key), LOG_STR("value", shown),
		LOG_STR("wanted", type_wants[key->type]), LOG_STR("bounds", bounds));
	free(shown);
}

static void log_bad_line(const struct origin *origin, const char *why)
{
	log_error("bad line in the configuration", LOG_STR("from", origin->name),
		LOG_INT("line", origin->line), LOG_STR("reason", why));
}

/* Cuts the comment off an unquoted value: a '#' at its start or after a blank. */
static struct str cut_comment(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '#' &&
			(i == 0 || text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
			text.len = i;
	return str_trim(text);
}

/* What stands behind '=': bare, or in double quotes, within which everything is itself. */
static const char *read_value(struct str text, struct str *value)
{
	text = str_trim(text);
	if (text.len == 0 || text.ptr[0] != '"') {
		*value = cut_comment(text);
		return memchr(text.ptr, '"', value->len) ? "a quote inside the value" : NULL;
	}
	const char *end = memchr(text.ptr + 1, '"', text.len - 1);
	if (!end)
		return "a quote is not closed";
	size_t used = (size_t)(end + 1 - text.ptr);
	if (cut_comment((struct str){ text.ptr + used, text.len - used }).len > 0)
		return "text after the closing quote";
	*value = (struct str){ text.ptr + 1, used - 2 };
	return NULL;
}

/* One line of a file; seen tells which keys it has had already. False, logged, when it is bad. */
static bool read_line(struct conf *conf, const struct origin *origin, struct str line, bool *seen)
{
	line = str_trim(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return true;
	const char *equals = memchr(line.ptr, '=', line.len);
	if (!equals) {
		log_bad_line(origin, "not of the form key = value");
		return false;
	}
	size_t name_len = (size_t)(equals - line.ptr);
	const struct conf_key *key = key_find(str_trim((struct str){ line.ptr, name_len }));
	if (!key || seen[key - keys]) {
		log_bad_line(origin, key ? "the key stands twice" : "no such key");
		return false;
	}
	seen[key - keys] = true;
	struct str value;
	const char *why = read_value((struct str){ equals + 1, line.len - name_len - 1 }, &value);
	if (why) {
		log_bad_line(origin, why);
		return false;
	}
	if (!set_value(conf, key, value)) {
		log_bad_value(origin, key, value);
		return false;
	}
	return true;
}

/* Reads on after a fault, so that one start tells them all. */
static bool read_file(struct conf *conf, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		log_error_errno("the configuration cannot be opened", LOG_STR("path", path));
		return false;
	}
	bool ok = true;
	bool seen[COUNT(keys)] = { false };
	struct origin origin = { path, 0 };
	char *line = NULL;
	size_t size = 0;
	errno = 0;
	for (ssize_t len; (len = getline(&line, &size, file)) >= 0;) {
		origin.line++;
		if (len > 0 && line[len - 1] == '\n')
			len--;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		ok = read_line(conf, &origin, (struct str){ line, (size_t)len }, seen) && ok;
	}
	if (ferror(file)) {
		log_error_errno("the configuration cannot be read", LOG_STR("path", path));
		ok = false;
	}
	free(line);
	fclose(file);
	return ok;
}

static bool is_foreign(struct str name)
{
	for (size_t i = 0; i < COUNT(foreign_names); i++) {
		struct str foreign = str_of(foreign_names[i]);
		bool family = foreign.ptr[foreign.len - 1] == '_';
		if (family ? str_starts(name, foreign) : str_equal(name, foreign))
			return true;
	}
	return false;
}

/* The key of PARLEY_<KEY>; capitals alone. */
static const struct conf_key *key_of_variable(struct str name)
{
	char plain[KEY_MAX];
	struct str upper = { name.ptr + sizeof(ENV_PREFIX) - 1, name.len - sizeof(ENV_PREFIX) + 1 };
	if (upper.len >= sizeof(plain))
		return NULL;
	for (size_t i = 0; i < upper.len; i++) {
		char c = upper.ptr[i];
		if (c == '.' || (c >= 'a' && c <= 'z'))
			return NULL;
		plain[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	return key_find((struct str){ plain, upper.len });
}

static bool read_variable(struct conf *conf, const char *variable)
{
	const char *equals = strchr(variable, '=');
	if (!equals || !str_starts(str_of(variable), STR(ENV_PREFIX)))
		return true;
	struct str name = { variable, (size_t)(equals - variable) };
	if (name.len < sizeof(ENV_PREFIX) - 1 || is_foreign(name))
		return true;
	const struct conf_key *key = key_of_variable(name);
	char *shown = text_copy(name);
	struct origin origin = { shown, 0 };
	bool ok = key && set_value(conf, key, str_of(equals + 1));
	if (!key)
		log_error("unknown variable in the environment", LOG_STR("name", shown));
	else if (!ok)
		log_bad_value(&origin, key, str_of(equals + 1));
	free(shown);
	return ok;
}

static bool read_environment(struct conf *conf)
{
	bool ok = true;
	for (char **variable = environ; variable && *variable; variable++)
		ok = read_variable(conf, *variable) && ok;
	return ok;
}

static void set_defaults(struct conf *conf)
{
	*conf = (struct conf){ 0 };
	for (size_t i = 0; i < COUNT(keys); i++)
		if (!set_value(conf, &keys[i], str_of(keys[i].value)))
			fatal("bad default in the table of settings", LOG_STR("key", keys[i].key));
}

/* The path from the root, also of a directory that is yet to be made. Owned by the caller. */
static char *absolute_path(const char *path)
{
	char *resolved = realpath(path, NULL);
	if (resolved)
		return resolved;
	if (path[0] == '/')
		return text_copy(str_of(path));
	char *here = getcwd(NULL, 0);
	if (!here)
		fatal("the working directory has no path", LOG_STR("error", log_errno()));
	char *joined = text_printf("%s/%s", here, path);
	free(here);
	return joined;
}

/* A value of a libpq connection string: quoted, with quote and backslash escaped. Owned by the
 * caller. */
static char *pq_quote(const char *value)
{
	char *quoted = malloc(2 * strlen(value) + 3);
	if (!quoted)
		fatal("out of memory");
	char *out = quoted;
	*out++ = '\'';
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			*out++ = '\\';
		*out++ = *value;
	}
	*out++ = '\'';
	*out = '\0';
	return quoted;
}

/* In the words of libpq; a path of plain characters goes without quotes, as people write it. */
static char *database_of(const char *var, const char *user)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._-+:@~";
	char *host = text_printf("%s/run", var);
	if (host[strspn(host, plain)]) {
		char *quoted = pq_quote(host);
		free(host);
		host = quoted;
	}
	char *database = text_printf("host=%s port=5432 dbname=parley user=%s", host, user);
	free(host);
	return database;
}

static void fill_database(char **database, const char *var, const char *user)
{
	if (**database)
		return;
	free(*database);
	*database = database_of(var, user);
}

/* What follows from other settings. */
static void fill_in(struct conf *conf)
{
	for (size_t i = 0; i < COUNT(var_paths); i++) {
		char **path = conf_at(conf, var_paths[i].offset);
		if (**path)
			continue;
		free(*path);
		*path = text_printf("%s/%s", conf->var, var_paths[i].below);
	}
	char *var = absolute_path(conf->var);
	fill_database(&conf->rest_database, var, "parley_rest");
	fill_database(&conf->push_database, var, "parley_push");
	fill_database(&conf->notify_database, var, "parley_notify");
	free(var);
	if (conf->broker_port == 0)
		conf->broker_port = conf->mqtt_port;
}

bool conf_fault(const char *key, const char *why)
{
	log_error("bad value in the configuration", LOG_STR("key", key), LOG_STR("reason", why));
	return false;
}

enum err conf_load(const char *path, struct conf *conf)
{
	set_defaults(conf);
	bool file_ok = !path || read_file(conf, path);
	bool environment_ok = read_environment(conf);
	bool identity_ok = conf_identity_ok(conf);
	bool mail_ok = conf_mail_ok(conf);
	bool s3_ok = conf_s3_ok(conf);
	if (!file_ok || !environment_ok || !identity_ok || !mail_ok || !s3_ok) {
		conf_free(conf);
		return ERR_INVALID_INPUT;
	}
	fill_in(conf);
	return OK;
}

char *conf_database(const struct conf *conf, const char *user)
{
	char *var = absolute_path(conf->var);
	char *database = database_of(var, user);
	free(var);
	return database;
}

void conf_free(struct conf *conf)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (!is_text(keys[i].type))
			continue;
		char **text = conf_at(conf, keys[i].offset);
		if (*text && keys[i].secret)
			explicit_bzero(*text, strlen(*text));
		free(*text);
	}
	*conf = (struct conf){ 0 };
}

void conf_print(FILE *out)
{
	fputs("# Settings of Parley: key = value. The environment, as PARLEY_<KEY>, wins.\n", out);
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct conf_key *key = &keys[i];
		char bounds[64];
		describe_bounds(key, bounds, sizeof(bounds));
		fprintf(out, "\n# %s\n# %s%s%s%s%s\n#%s = %s%s%s\n", key->help,
			type_wants[key->type], bounds[0] ? ", " : "", bounds, key->unit ? " " : "",
			key->unit ? key->unit : "", key->key, is_text(key->type) ? "\"" : "",
			key->value, is_text(key->type) ? "\"" : "");
	}
}
