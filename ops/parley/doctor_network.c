/* The programs that serve, asked as their clients do (doctor.h). Called by doctor.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/jose.h"
#include "lib/json_read.h"
#include "lib/time.h"
#include "ops/parley/doctor.h"
#include "ops/parley/probe.h"
#include "ops/parley/wire.h"

enum {
	CLOCK_WARN_S = 2,
	CLOCK_FAIL_S = 60,
	DEPTH_MAX = 8,
	LIFE_S = 60,
};

/* ---- parley-push ------------------------------------------------------------------------------
 */

/* A member of a flat JSON object, as text; "" when it is not there. */
static const char *member(struct doctor *doctor, struct str json, const char *name)
{
	char why[JSON_WHY_BYTES];
	struct str raw;

	if (json_scan(json, DEPTH_MAX, why) != OK || !json_raw(json, name, &raw) || raw.len == 0)
		return "";
	if (raw.ptr[0] == '"' && raw.len >= 2)
		return arena_strndup(doctor->op->arena, raw.ptr + 1, raw.len - 2);
	return arena_strndup(doctor->op->arena, raw.ptr, raw.len);
}

static const char *push_advice(const char *role, const char *database, const char *broker)
{
	if (strcmp(database, "ok") != 0)
		return "It does not reach its database: see push_database, and its log.";
	if (strcmp(broker, "closed") == 0)
		return "It is reading which sessions have ended; ask again. Nobody may connect "
		       "until then.";
	if (strcmp(broker, "ok") != 0)
		return "It does not reach the broker: see broker_host, broker_port and "
		       "broker_secret, and its "
		       "log.";
	if (strcmp(role, "standby") == 0)
		return "It has no slot: see the row of the slot, and its log.";
	return "See its log.";
}

/* The value of a metric without labels; 0 when it is not there. */
static double metric(struct str page, const char *name)
{
	size_t len = strlen(name);
	const char *at = page.ptr, *end = page.ptr + page.len;

	while (at && at < end) {
		if ((size_t)(end - at) > len && memcmp(at, name, len) == 0 && at[len] == ' ')
			return strtod(at + len, NULL);
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return 0;
}

static void push_metrics(struct doctor *doctor, const struct wire_place *place)
{
	struct wire_answer answer;
	char why[WIRE_WHY_BYTES];
	double refused;
	enum err err = wire_http(
		doctor->op->arena, place, "/metrics", "", doctor->deadline_us, &answer, why);

	if (err != OK || answer.status != 200) {
		doctor_row(doctor, DOCTOR_FAIL, "metrics", "See the log of parley-push.", "%s",
			err != OK ? why : "not answered with 200");
		return;
	}
	refused = metric(answer.body, "parley_push_records_refused_total");
	if (refused > 0)
		doctor_row(doctor, DOCTOR_WARN, "metrics",
			"The log of parley-push says which: a newer parley-rest beside an older "
			"parley-push?",
			"%.0f events could not be read, and nobody got them", refused);
	else
		doctor_row(doctor, DOCTOR_OK, "metrics", NULL, "on port %d", place->port);
}

void doctor_push(struct doctor *doctor)
{
	const struct wire_place place = { .host = "127.0.0.1",
		.port = doctor->op->conf.metrics_port };
	struct wire_answer answer;
	char why[WIRE_WHY_BYTES];

	if (wire_http(doctor->op->arena, &place, "/health", "", doctor->deadline_us, &answer,
		    why) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "parley-push",
			"Start parley-push: without it no event leaves, and nobody may connect to "
			"the broker. "
			"metrics_port says where it answers.",
			"%s", why);
		return;
	}
	const char *role = member(doctor, answer.body, "role");
	const char *database = member(doctor, answer.body, "database");
	const char *broker = member(doctor, answer.body, "broker");

	if (answer.status == 200)
		doctor_row(doctor, DOCTOR_OK, "parley-push", NULL, "%s, %s bytes behind", role,
			member(doctor, answer.body, "lag_bytes"));
	else
		doctor_row(doctor, DOCTOR_FAIL, "parley-push", push_advice(role, database, broker),
			"%s, database %s, broker %s", role, database, broker);
	push_metrics(doctor, &place);
}

/* ---- parley-rest ------------------------------------------------------------------------------
 */

void doctor_rest(struct doctor *doctor)
{
	struct jose_keys *keys;
	char why[PROBE_WHY_BYTES];
	enum err err;

	if (jose_keys_load(doctor->op->conf.token_private_key, &keys) != OK ||
		!jose_keys_can_sign(keys))
		return; /* that is another row */
	err = probe_rest_knows(doctor->op, keys, doctor->deadline_us, why);
	jose_keys_free(keys);
	switch (err) {
	case OK:
		doctor_row(doctor, DOCTOR_OK, "parley-rest", NULL,
			"answers, and knows the signing key");
		return;
	case ERR_UNAUTHORIZED:
		doctor_row(doctor, DOCTOR_FAIL, "parley-rest",
			"It runs with other settings than these: token_private_key, "
			"token_public_keys, token_issuer "
			"and token_audience.",
			"it refuses tokens of the signing key");
		return;
	case ERR_NOT_FOUND:
		doctor_row(doctor, DOCTOR_FAIL, "parley-rest",
			"Start parley-rest, or set rest_socket to where it listens.", "%s", why);
		return;
	case ERR_FORBIDDEN:
		doctor_row(doctor, DOCTOR_WARN, "parley-rest",
			"Run parley doctor as the user of parley-rest.", "not asked: %s", why);
		return;
	default:
		doctor_row(doctor, DOCTOR_FAIL, "parley-rest",
			"See its log; all workers may be busy (rest_workers).", "%s", why);
	}
}

/* ---- the broker -------------------------------------------------------------------------------
 */

/* With another signature; on the arena. */
static const char *token_spoil(struct doctor *doctor, const char *token)
{
	char *spoilt = arena_strndup(doctor->op->arena, token, strlen(token));
	char *signature = strrchr(spoilt, '.') + 1;

	signature[0] = signature[0] == 'A' ? 'B' : 'A';
	return spoilt;
}

/* Somebody who must not come in. True: the answer was that. */
static bool broker_refuses(struct doctor *doctor, const struct wire_place *place,
	const struct wire_login *login, const char *who)
{
	char why[WIRE_WHY_BYTES];
	enum err err = wire_mqtt(place, login, doctor->deadline_us, why);

	if (err == ERR_UNAUTHORIZED || err == ERR_CONFLICT)
		return true;
	if (err == OK)
		doctor_row(doctor,
			doctor->op->conf.broker_fanout == BROKER_FANOUT_PUBLISH ? DOCTOR_WARN
										: DOCTOR_FAIL,
			"broker",
			"Load parley_broker.so and set allow_anonymous false (ops/mosquitto.conf): "
			"now anybody can "
			"read what is sent to others.",
			"it lets in %s", who);
	else
		doctor_row(doctor, DOCTOR_FAIL, "broker", "See the log of mosquitto.", "%s", why);
	return false;
}

static void broker_user(
	struct doctor *doctor, const struct wire_place *place, struct jose_keys *keys)
{
	char why[PROBE_WHY_BYTES];
	struct wire_login anonymous = { .client_id = "parley-doctor" };
	struct wire_login liar = { .name = probe_user };
	enum err err = probe_broker_login(doctor->op, keys, doctor->deadline_us, why);

	switch (err) {
	case OK:
		break;
	case ERR_UNAUTHORIZED:
		doctor_row(doctor, DOCTOR_FAIL, "broker",
			"Its plugin_opt_public_keys has to name the file of token_public_keys, "
			"readable for its user, "
			"with the same plugin_opt_issuer and plugin_opt_audience; then reload it.",
			"it refuses tokens of the signing key");
		return;
	case ERR_CONFLICT:
		doctor_row(doctor, DOCTOR_FAIL, "broker",
			"Start parley-push: it lets people in when it has told the broker which "
			"sessions have "
			"ended.",
			"closed: nobody may connect");
		return;
	default:
		doctor_row(doctor, DOCTOR_FAIL, "broker",
			"Start mosquitto, or set broker_host and broker_port (else mqtt_port) to "
			"where it "
			"listens.",
			"%s", why);
		return;
	}
	liar.client_id = arena_printf(doctor->op->arena, "%s/parley", probe_user);
	if (probe_token(doctor->op, keys, LIFE_S, &liar.password) != OK)
		return;
	liar.password = token_spoil(doctor, liar.password);
	if (broker_refuses(doctor, place, &liar, "whoever makes up a token") &&
		broker_refuses(doctor, place, &anonymous, "anybody without a word"))
		doctor_row(doctor, DOCTOR_OK, "broker", NULL,
			"%s port %d lets in whom the signing key signs for, and nobody else",
			place->host, place->port);
}

void doctor_broker(struct doctor *doctor)
{
	const struct wire_place place = { .host = doctor->op->conf.broker_host,
		.port = doctor->op->conf.broker_port };
	struct jose_keys *keys;

	if (jose_keys_load(doctor->op->conf.token_private_key, &keys) != OK)
		return; /* that is another row */
	if (jose_keys_can_sign(keys))
		broker_user(doctor, &place, keys);
	jose_keys_free(keys);
}

/* ---- the web server ---------------------------------------------------------------------------
 */

/* Where a client on this host reaches what listens on bind. */
static struct wire_place front_place(const struct conf *conf)
{
	const char *host = conf->bind;

	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0 || strcmp(host, "*") == 0)
		host = "::1";
	return (struct wire_place){ .host = host, .port = conf->port };
}

static void front_clock(struct doctor *doctor, const struct wire_answer *answer)
{
	struct str date = wire_header(answer, "Date");
	struct tm parts = { 0 };
	long long off_s;
	enum doctor_state state;

	if (!date.ptr || !strptime(arena_strndup(doctor->op->arena, date.ptr, date.len),
				 "%a, %d %b %Y %H:%M:%S GMT", &parts))
		return;
	off_s = (long long)timegm(&parts) - time_now_us() / 1000000;
	off_s = off_s < 0 ? -off_s : off_s;
	state = off_s > CLOCK_FAIL_S ? DOCTOR_FAIL : off_s > CLOCK_WARN_S ? DOCTOR_WARN : DOCTOR_OK;
	doctor_row(doctor, state, "clock of web server",
		state == DOCTOR_OK ? NULL
				   : "Keep the clocks of all hosts together (chrony, "
				     "systemd-timesyncd): tokens "
				     "have an end.",
		"%lld s from this host's", off_s);
}

/* Is it our API that answers there? */
static void front_config(struct doctor *doctor, const struct wire_place *place)
{
	struct wire_answer answer;
	char why[WIRE_WHY_BYTES];
	enum err err = wire_http(
		doctor->op->arena, place, "/api/v1/config", "", doctor->deadline_us, &answer, why);

	if (err == OK && answer.status == 200 && *member(doctor, answer.body, "mqtt"))
		doctor_row(doctor, DOCTOR_OK, "API", NULL, "/api/v1/config is answered");
	else
		doctor_row(doctor, DOCTOR_FAIL, "API",
			"The web server has to hand /api to parley-rest: see lighttpd.conf or "
			"ops/nginx/parley.conf, "
			"and the row of parley-rest.",
			"/api/v1/config: %s",
			err != OK
				? why
				: arena_printf(doctor->op->arena,
					  "HTTP %d, not what parley-rest answers", answer.status));
}

static void front_websocket(struct doctor *doctor, const struct wire_place *place)
{
	struct wire_answer answer;
	char why[WIRE_WHY_BYTES];
	enum err err = wire_http(doctor->op->arena, place, "/mqtt",
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: cGFybGV5LWRvY3Rvci4uLg==\r\nSec-WebSocket-Protocol: mqtt\r\n",
		doctor->deadline_us, &answer, why);

	if (err == OK && answer.status == 101 &&
		str_equal(wire_header(&answer, "Sec-WebSocket-Protocol"), STR("mqtt")))
		doctor_row(
			doctor, DOCTOR_OK, "MQTT on WebSocket", NULL, "/mqtt reaches the broker");
	else
		doctor_row(doctor, DOCTOR_FAIL, "MQTT on WebSocket",
			"The web server has to pass /mqtt with its upgrade to the broker's "
			"WebSocket listener "
			"(lighttpd.conf: ws_port).",
			"/mqtt: %s",
			err != OK ? why
				  : arena_printf(doctor->op->arena, "HTTP %d", answer.status));
}

void doctor_front(struct doctor *doctor)
{
	struct wire_place place = front_place(&doctor->op->conf);
	struct wire_answer answer;
	char why[WIRE_WHY_BYTES];

	if (wire_http(doctor->op->arena, &place, "/health", "", doctor->deadline_us, &answer,
		    why) != OK) {
		doctor_row(doctor, DOCTOR_FAIL, "web server",
			"Start the web server, or set bind and port to where it listens.", "%s",
			why);
		return;
	}
	if (answer.status == 200)
		doctor_row(doctor, DOCTOR_OK, "web server", NULL, "%s port %d, /health is 200",
			place.host, place.port);
	else
		doctor_row(doctor, DOCTOR_FAIL, "web server",
			"503 is parley-rest without a database, or no parley-rest: see their rows. "
			"Anything else is "
			"another web server.",
			"/health is %d", answer.status);
	front_clock(doctor, &answer);
	front_config(doctor, &place);
	front_websocket(doctor, &place);
}
