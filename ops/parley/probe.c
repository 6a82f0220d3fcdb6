/* Tokens shown to those who verify (probe.h). Called by keys.c and doctor.c. */
#include "ops/parley/probe.h"

#include <stdio.h>
#include <string.h>

#include "lib/time.h"

enum {
	LIFE_S = 60,
	ENDED_S = 600, /* ago: beyond any difference of the clocks */
};

/* UUIDv8, which nobody makes here: "parley" in its last bytes. */
const char probe_user[] = "00000000-0000-8000-8000-7061726c6579";

enum err probe_token(struct operation *op, struct jose_keys *keys, int64_t ttl_s, const char **out)
{
	int64_t now_s = time_now_us() / 1000000;
	struct claims claims = {
		.device_id = "parley",
		.issued_at_s = (ttl_s < 0 ? now_s + ttl_s : now_s) - 1,
		.expires_at_s = now_s + ttl_s,
	};
	char token[JOSE_TOKEN_MAX];
	size_t len;
	enum err err = uuid_parse(str_of(probe_user), &claims.user_id);

	uuid_new(&claims.session_id);
	uuid_new(&claims.token_id);
	if (err == OK)
		err = jose_sign(
			keys, op->conf.token_issuer, op->conf.token_audience, &claims, token, &len);
	if (err == OK)
		*out = arena_strndup(op->arena, token, len);
	return err;
}

enum err probe_rest_knows(struct operation *op, struct jose_keys *keys, int64_t deadline_us,
	char why[PROBE_WHY_BYTES])
{
	static const char knows[] = "\"code\":\"token_expired\"";
	static const char knows_not[] = "\"code\":\"unauthorized\"";
	const struct wire_place place = { .path = op->conf.rest_socket };
	struct wire_answer answer;
	const char *token;
	enum err err = probe_token(op, keys, -ENDED_S, &token);

	if (err != OK) {
		snprintf(why, PROBE_WHY_BYTES, "no token can be made");
		return err;
	}
	err = wire_fastcgi(op->arena, &place, "/api/v1/users/me", token, deadline_us, &answer, why);
	if (err != OK)
		return err;
	if (memmem(answer.body.ptr, answer.body.len, knows, sizeof(knows) - 1))
		return OK;
	snprintf(why, PROBE_WHY_BYTES, "it answered %d", answer.status);
	if (memmem(answer.body.ptr, answer.body.len, knows_not, sizeof(knows_not) - 1))
		return ERR_UNAUTHORIZED;
	return ERR_UNAVAILABLE;
}

enum err probe_broker_login(struct operation *op, struct jose_keys *keys, int64_t deadline_us,
	char why[PROBE_WHY_BYTES])
{
	const struct wire_place place = { .host = op->conf.broker_host,
		.port = op->conf.broker_port };
	struct wire_login login = { .name = probe_user };
	enum err err = probe_token(op, keys, LIFE_S, &login.password);

	if (err != OK) {
		snprintf(why, PROBE_WHY_BYTES, "no token can be made");
		return err;
	}
	login.client_id = arena_printf(op->arena, "%s/parley", probe_user);
	return wire_mqtt(&place, &login, deadline_us, why);
}
