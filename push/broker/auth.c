/*
 * Logins, see the header. A signature costs a thousand times what the other checks cost, so it
 * comes last but for what its claims are needed for.
 *
 * A reload makes mosquitto 2.0.11 ask once more for everyone it knows, connected or not, before
 * anything else happens, and close the connections of those who are refused.
 */
#include "push/broker/auth.h"

#include <stdio.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <sodium.h>

#include "lib/jose.h"
#include "lib/log.h"
#include "lib/time.h"
#include "push/broker/presence.h"

enum {
	REFUSED_EVERY_US = 1000 * 1000,
	KEEPALIVE_MAX_S = 60, /* as max_keepalive in mosquitto.conf */
};

/* That key is being looked for: the client is to come again. */
static const char key_unknown[] = "key of an identity provider is not known yet";

/* What a connection claims, each bounded and none of it believed yet. */
struct login {
	struct str name;
	struct str password;
	struct str client_id;
};

/* why: a literal, for the log alone; a client is told nothing but no. */
static int refuse(struct broker *broker, const struct mosquitto *handle, const char *why)
{
	const char *address = mosquitto_client_address(handle);
	broker->refused++;
	broker->refused_why = why;
	snprintf(broker->refused_address, sizeof(broker->refused_address), "%s",
		address ? address : "");
	return MOSQ_ERR_AUTH;
}

/* Until parley-push has told what it must, or while it is away from what it must be told. In 2.0.11
 * any code but that of a refusal closes the connection without a CONNACK. Clients take that
 * for a broken line and try again; a CONNACK that says no makes many of them give up. */
static int turn_away(struct broker *broker)
{
	broker->turned_away++;
	return MOSQ_ERR_UNKNOWN;
}

static struct str bounded(const char *text, size_t max)
{
	return (struct str){ text, text ? strnlen(text, max + 1) : 0 };
}

static struct login login_of(const struct mosquitto_evt_basic_auth *auth)
{
	return (struct login){
		.name = bounded(auth->username, UUID_TEXT_LEN),
		.password = bounded(auth->password, IDP_TOKEN_MAX),
		.client_id = bounded(mosquitto_client_id(auth->client), TOPIC_CLIENT_BYTES),
	};
}

/* The user that the login is about, when name and client id are as they must be. */
static const char *user_read(const struct login *login, struct uuid *out)
{
	char canonical[UUID_TEXT_LEN + 1];
	if (uuid_parse(login->name, out) != OK)
		return "user name is not a user id";
	uuid_format(out, canonical);
	if (!str_equal(login->name, (struct str){ canonical, UUID_TEXT_LEN }))
		return "user name is not canonical";
	if (!topic_client_ok(login->client_id, out))
		return "client id is not <user id>/<device>";
	if (login->password.len == 0)
		return "no token";
	if (login->password.len > IDP_TOKEN_MAX)
		return "token is too long";
	return NULL;
}

/* One of an identity provider, as if it were ours. */
static enum err external_verify(struct broker *broker, struct str text, int64_t now_s,
	struct claims *out, struct idp_token *external)
{
	enum err err = identity_verify(broker, text, now_s, external);
	if (err != OK)
		return err;
	*out = (struct claims){
		.user_id = external->user_id,
		.session_id = external->session_id,
		.issued_at_s = external->issued_at_s,
		.expires_at_s = external->expires_at_s,
	};
	return OK;
}

/* *is_external: it is an identity provider's, and *external what it says. */
static const char *token_read(struct broker *broker, const struct login *login,
	const struct uuid *user, int64_t now_s, struct claims *out, struct idp_token *external,
	bool *is_external)
{
	struct settings *settings = &broker->settings;
	enum err err = jose_verify(
		settings->keys, settings->issuer, settings->audience, login->password, now_s, out);
	*is_external = err == ERR_UNAUTHORIZED;
	if (*is_external)
		err = external_verify(broker, login->password, now_s, out, external);
	switch (err) {
	case OK:
		return uuid_equal(&out->user_id, user) ? NULL : "token is another user's";
	case ERR_TOKEN_EXPIRED:
		return "token has expired";
	case ERR_NOT_FOUND:
		return key_unknown;
	default:
		return "token is not good";
	}
}

/* Recognises a login that comes again, without keeping its token. */
static void proof_make(const struct broker *broker, const struct login *login,
	unsigned char out[CLIENT_PROOF_BYTES])
{
	unsigned char parts[2 * CLIENT_PROOF_BYTES];
	const struct str *texts[] = { &login->client_id, &login->password };
	for (int i = 0; i < 2; i++)
		crypto_shorthash_siphashx24(parts + i * CLIENT_PROOF_BYTES,
			(const unsigned char *)texts[i]->ptr, texts[i]->len,
			broker->clients.hash_key);
	crypto_shorthash_siphashx24(out, parts, sizeof(parts), broker->clients.hash_key);
}

/* mosquitto 2.0.11 holds max_keepalive against MQTT 5 alone, whose clients it tells a shorter one;
 * an older client that falls silent with a longer one, or with none, would be online for ever. */
static bool keepalive_ok(const struct mosquitto *handle)
{
	int keepalive_s = mosquitto_client_keepalive(handle);
	return mosquitto_client_protocol_version(handle) >= 5 ||
	       (keepalive_s > 0 && keepalive_s <= KEEPALIVE_MAX_S);
}

static int user_enter(struct broker *broker, const struct mosquitto *handle,
	const struct login *login, const struct claims *claims, bool is_external)
{
	struct client *client;
	char device[TOPIC_DEVICE_MAX + 1];
	snprintf(device, sizeof(device), "%s", login->client_id.ptr + UUID_TEXT_LEN + 1);
	switch (client_add(&broker->clients, handle, claims, device, &client)) {
	case OK:
		break;
	case ERR_RATE_LIMITED:
		return refuse(broker, handle, "user has too many connections");
	default:
		log_error("out of memory, login refused");
		return MOSQ_ERR_NOMEM;
	}
	client->external = is_external;
	proof_make(broker, login, client->proof);
	presence_begin(client->user);
	return MOSQ_ERR_SUCCESS;
}

static int user_login(struct broker *broker, struct mosquitto *handle, const struct login *login)
{
	struct uuid id;
	struct claims claims;
	struct idp_token external;
	bool is_external = false;
	int64_t now_s = time_now_us() / 1000000;
	const char *why = user_read(login, &id);
	if (!why && !keepalive_ok(handle))
		why = "keep-alive is none or too long";
	if (!why && barred_covers(&broker->barred, &id))
		why = "user is barred";
	if (!why)
		why = token_read(broker, login, &id, now_s, &claims, &external, &is_external);
	if (!why && revoked_covers(&broker->revoked, &claims, now_s))
		why = "session was revoked";
	if (why) {
		int rc = refuse(broker, handle, why);
		return why == key_unknown ? MOSQ_ERR_UNKNOWN : rc;
	}
	/* told first: whoever is in is known to parley-push */
	if (is_external && identity_tell(broker, &external) != OK)
		return turn_away(broker);
	return user_enter(broker, handle, login, &claims, is_external);
}

static int push_login(
	struct broker *broker, const struct mosquitto *handle, const struct login *login)
{
	struct client *client;
	if (!str_starts(login->client_id, STR(PUSH_CLIENT_PREFIX)))
		return refuse(broker, handle, "client id does not begin with " PUSH_CLIENT_PREFIX);
	if (!text_equal_secret(login->password, settings_secret(&broker->settings)))
		return refuse(broker, handle, "secret of " PUSH_NAME " is wrong");
	if (client_add_push(&broker->clients, handle, &client) != OK) {
		log_error("out of memory, login refused");
		return MOSQ_ERR_NOMEM;
	}
	proof_make(broker, login, client->proof);
	return MOSQ_ERR_SUCCESS;
}

/* Is this the very login that the entry was made by? */
static bool is_known(
	const struct broker *broker, const struct client *client, const struct login *login)
{
	unsigned char proof[sizeof(client->proof)];
	proof_make(broker, login, proof);
	return sodium_memcmp(proof, client->proof, sizeof(proof)) == 0;
}

/* Asked once more after a reload. Only a key of ours that was taken away, or another secret, changes the
 * answer: verifying ten thousand tokens for nothing would hold the broker up for a second. An ended
 * connection is not refused: mosquitto 2.0.11 would put its session on the list of expiring ones a
 * second time. */
static int client_again(
	struct broker *broker, const struct client *client, const struct login *login)
{
	struct claims claims;
	struct idp_token external;
	bool is_external;
	if (!client->connected)
		return MOSQ_ERR_SUCCESS;
	if (!client->user) {
		bool same = text_equal_secret(login->password, settings_secret(&broker->settings));
		return same ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
	}
	/* Closed already, but for a WebSocket whose other end does not read. */
	if (client->revoked)
		return MOSQ_ERR_AUTH;
	if (!broker->key_taken_away || client->external)
		return MOSQ_ERR_SUCCESS;
	const char *why = token_read(
		broker, login, &client->user->id, broker->now_s, &claims, &external, &is_external);
	return why ? MOSQ_ERR_AUTH : MOSQ_ERR_SUCCESS;
}

int auth_check(int event, void *data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_basic_auth *auth = data;
	struct broker *broker = userdata;
	struct login login = login_of(auth);
	const struct client *client = client_find(&broker->clients, auth->client);
	if (client && broker->reloading && is_known(broker, client, &login))
		return client_again(broker, client, &login);

	/* The address may have been another connection's before. */
	client_forget(&broker->clients, auth->client);
	if (!broker->open && !str_equal(login.name, STR(PUSH_NAME)))
		return turn_away(broker);
	if (!login.name.ptr || !login.password.ptr || !login.client_id.ptr)
		return refuse(broker, auth->client, "no user name or no password");
	if (str_equal(login.name, STR(PUSH_NAME)))
		return push_login(broker, auth->client, &login);
	return user_login(broker, auth->client, &login);
}

int auth_reload(int event, void *data, void *userdata)
{
	(void)event, (void)data;
	struct broker *broker = userdata;
	broker->reloading = true;
	broker->key_taken_away = false;
	if (settings_reload(&broker->settings, &broker->key_taken_away) == OK)
		log_info("keys and secret read again");
	else
		log_error("keys and secret stay as they were");
	/* Not an answer for other plugins: they are to be asked too. */
	return MOSQ_ERR_PLUGIN_DEFER;
}

void auth_tick(struct broker *broker, int64_t now_us)
{
	broker->reloading = false;
	if ((broker->refused == 0 && broker->turned_away == 0) ||
		now_us - broker->refused_told_us < REFUSED_EVERY_US)
		return;
	if (broker->refused > 0)
		log_info("logins refused", LOG_INT("count", broker->refused),
			LOG_STR("last_reason", broker->refused_why),
			LOG_STR("last_address", broker->refused_address));
	if (broker->turned_away > 0)
		log_info("parley-push is away or has not told all yet: turned away",
			LOG_INT("count", broker->turned_away));
	broker->refused = 0;
	broker->turned_away = 0;
	broker->refused_told_us = now_us;
}
