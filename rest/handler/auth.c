/* Registering, logging in and out, refreshing, and changing the password (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include <sodium.h>
#include <string.h>

#include "lib/json_write.h"
#include "lib/model/user.h"
#include "lib/time.h"
#include "rest/guard.h"
#include "rest/password.h"
#include "rest/refresh.h"
#include "rest/reply.h"
#include "rest/turn.h"
#include "sql/store/session.h"
#include "sql/store/user.h"

/* A new session on a device. */
static void session_start(struct request *req, const struct uuid *user, struct device_new *device,
	const struct refresh *refresh, struct session_new *out)
{
	if (uuid_is_nil(&device->id))
		uuid_new(&device->id);
	*out = (struct session_new){
		.user_id = *user,
		.device = *device,
		.refresh = refresh->hashes,
		.refresh_ttl_s = req->conf->refresh_ttl_s,
	};
	uuid_new(&out->id);
}

/* The answer of whoever is signed in: tokens, and what they are of. */
static enum err sign_in_reply(struct request *req, int status, const struct user *user,
	const struct session_new *session, struct refresh *refresh)
{
	int64_t now_us = time_now_us();
	struct claims claims = {
		.user_id = session->user_id,
		.session_id = session->id,
		.issued_at_s = now_us / 1000000,
		.expires_at_s = now_us / 1000000 + req->conf->token_ttl_s,
	};
	char token[JOSE_TOKEN_MAX];
	size_t token_len;
	enum err err;

	uuid_new(&claims.token_id);
	uuid_format(&session->device.id, claims.device_id);
	err = jose_sign(req->worker->keys, req->conf->token_issuer, req->conf->token_audience,
		&claims, token, &token_len);
	if (err != OK)
		return err;
	json_write_object(req->out);
	json_write_key(req->out, "user");
	user_write(req->out, user, true);
	json_write_key(req->out, "access_token");
	json_write_str(req->out, (struct str){ token, token_len });
	json_write_key(req->out, "refresh_token");
	json_write_string(req->out, refresh->text);
	json_write_key(req->out, "expires_in");
	json_write_int(req->out, req->conf->token_ttl_s);
	json_write_key(req->out, "session");
	json_write_object(req->out);
	json_write_key(req->out, "id");
	json_write_uuid(req->out, &session->id);
	json_write_key(req->out, "device");
	device_write_short(req->out, &session->device);
	json_write_object_end(req->out);
	json_write_object_end(req->out);
	explicit_bzero(refresh, sizeof(*refresh));
	reply_status(req, status);
	return OK;
}

enum err auth_register(struct request *req)
{
	struct user_new new = { 0 };
	struct device_new device = { 0 };
	struct session_new session;
	struct refresh refresh;
	struct user user;
	struct uuid user_id;
	char hash[crypto_pwhash_STRBYTES];
	enum err err;

	user_new_read(req->json, &req->faults, &new);
	device_new_read(req->json, &req->faults, &device);
	err = request_check(req);
	if (err == OK)
		err = turn_hash(req->worker->turns, new.password, hash);
	if (err != OK)
		return err;
	uuid_new(&user_id);
	refresh_new(&refresh);
	session_start(req, &user_id, &device, &refresh, &session);
	err = db_user_register(
		req->db, req->arena, &new, str_of(hash), &session, &req->faults, &user);
	if (err != OK)
		return err;
	return sign_in_reply(req, 201, &user, &session, &refresh);
}

/* Replaces a hash of older figures by one of today's; the old one still does where that fails. */
static enum err password_strengthen(
	struct request *req, struct str password, const struct uuid *user, struct str hash)
{
	char stronger[crypto_pwhash_STRBYTES];

	if (!password_is_weak(hash) || turn_hash(req->worker->turns, password, stronger) != OK)
		return OK;
	return db_user_password_update(req->db, req->arena, user, str_of(stronger), hash);
}

enum err auth_login(struct request *req)
{
	struct login login = { 0 };
	struct device_new device = { 0 };
	struct session_new session;
	struct refresh refresh;
	struct user user = { 0 };
	struct password known = { { NULL, 0 }, TIME_NONE };
	struct str name;
	bool device_known = false, fits;
	enum err err;

	login_read(req->json, &req->faults, &login);
	device_new_read(req->json, &req->faults, &device);
	err = request_check(req);
	if (err != OK)
		return err;
	name = login.handle.ptr ? login.handle : login.email;
	err = guard_guess(req, name);
	if (err == OK)
		err = db_user_for_login(req->db, req->arena, login.handle, login.email, &device.id,
			&user, &known, &device_known);
	if (err == OK || err == ERR_NOT_FOUND)
		err = guard_account(req, name, device_known ? &device.id : NULL);
	if (err == OK)
		err = turn_fits(req->worker->turns, login.password, known.hash, &fits);
	if (err != OK)
		return err;
	req->detail = "The name or the password is wrong.";
	if (!fits)
		return ERR_UNAUTHORIZED;
	refresh_new(&refresh);
	session_start(req, &user.id, &device, &refresh, &session);
	err = db_session_create(req->db, req->arena, &session, known.changed_at_us);
	if (err == OK)
		err = password_strengthen(req, login.password, &user.id, known.hash);
	if (err != ERR_UNAUTHORIZED)
		req->detail = NULL;
	if (err != OK)
		return err;
	return sign_in_reply(req, 200, &user, &session, &refresh);
}

enum err auth_refresh(struct request *req)
{
	struct session_new session = { .refresh_ttl_s = req->conf->refresh_ttl_s };
	struct refresh old, next;
	struct user user;
	struct str text;
	enum err err;

	refresh_read(req->json, &req->faults, &text);
	err = request_check(req);
	if (err != OK)
		return err;
	err = refresh_parse(text, &old);
	if (err == OK) {
		refresh_next(&old, &next);
		session.refresh = next.hashes;
		err = db_user_refresh(req->db, req->arena, &old.hashes, &session, &user);
	}
	if (err == ERR_UNAUTHORIZED)
		req->detail = "The refresh token is not valid, or no longer.";
	explicit_bzero(&old, sizeof(old));
	if (err != OK)
		return err;
	return sign_in_reply(req, 200, &user, &session, &next);
}

enum err auth_logout(struct request *req)
{
	enum err err =
		db_session_end(req->db, req->arena, &req->caller.user_id, &req->caller.session_id);

	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err auth_password(struct request *req)
{
	const struct uuid *user = &req->caller.user_id;
	struct password_change change;
	struct password known = { { NULL, 0 }, TIME_NONE };
	struct str handle = { NULL, 0 };
	char hash[crypto_pwhash_STRBYTES];
	struct uuid device = { { 0 } };
	bool fits;
	enum err err;

	/* our own sessions are on a device; a token that names none counts as from anywhere */
	if (uuid_parse(str_of(req->caller.device_id), &device) != OK)
		memset(&device, 0, sizeof(device));
	password_change_read(req->json, &req->faults, &change);
	err = request_check(req);
	if (err == OK)
		err = db_user_password(req->db, req->arena, user, &handle, &known);
	if (err == OK && !known.hash.ptr) {
		req->detail = "The account has no password: it is signed in to elsewhere.";
		return ERR_CONFLICT;
	}
	if (err == OK)
		err = guard_guess(req, handle);
	if (err == OK)
		err = guard_account(req, handle, &device);
	if (err == OK)
		err = turn_fits(req->worker->turns, change.current, known.hash, &fits);
	if (err == OK && !fits)
		err = ERR_FORBIDDEN;
	if (err == OK)
		err = turn_hash(req->worker->turns, change.new, hash);
	if (err == OK)
		err = db_user_password_change(req->db, req->arena, user, known.changed_at_us,
			str_of(hash), &req->caller.session_id);
	if (err == ERR_FORBIDDEN)
		req->detail = "The current password is wrong.";
	if (err == OK)
		reply_status(req, 204);
	return err;
}
