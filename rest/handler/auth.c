/* Registering and logging in (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include <sodium.h>
#include <string.h>

#include "lib/json_write.h"
#include "lib/log.h"
#include "lib/model/user.h"
#include "lib/time.h"
#include "rest/guard.h"
#include "rest/reply.h"
#include "sql/store/session.h"
#include "sql/store/user.h"

/* argon2id as OWASP advises: 19 MiB, two passes, one lane. */
enum {
	ARGON2_MEMORY_BYTES = 19456 * 1024,
	ARGON2_PASSES = 2
};

/* The hash of no password, made with the same figures: what an unknown user's password is checked
 * against, so that it takes the same time. */
static const char nobody_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$nzenhOXUTKNGlrGGI3e4uw"
				  "$eKThjIa0Ont+UglAV01Ag0L4BMln5XWd3u29MyFzwUc";

/* A refresh token: 32 random bytes in base64url. */
enum {
	REFRESH_BYTES = 32,
	REFRESH_TEXT_BYTES = 44
};

struct sign_in {
	struct session_new session;
	char refresh_token[REFRESH_TEXT_BYTES];
};

static void sign_in_new(struct request *req, const struct uuid *user, struct device_new *device,
	struct sign_in *out)
{
	uint8_t secret[REFRESH_BYTES];

	if (uuid_is_nil(&device->id))
		uuid_new(&device->id);
	out->session = (struct session_new){
		.user_id = *user,
		.device = *device,
		.refresh_ttl_s = req->conf->refresh_ttl_s,
	};
	uuid_new(&out->session.id);
	randombytes_buf(secret, sizeof(secret));
	sodium_bin2base64(out->refresh_token, sizeof(out->refresh_token), secret, sizeof(secret),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	crypto_generichash(out->session.refresh_hash, sizeof(out->session.refresh_hash),
		(const unsigned char *)out->refresh_token, strlen(out->refresh_token), NULL, 0);
	explicit_bzero(secret, sizeof(secret));
}

/* The answer of both routes. */
static enum err sign_in_reply(
	struct request *req, int status, const struct user *user, const struct sign_in *sign_in)
{
	const struct session_new *session = &sign_in->session;
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
	json_write_string(req->out, sign_in->refresh_token);
	json_write_key(req->out, "expires_in");
	json_write_int(req->out, req->conf->token_ttl_s);
	json_write_key(req->out, "session");
	json_write_object(req->out);
	json_write_key(req->out, "id");
	json_write_uuid(req->out, &session->id);
	json_write_key(req->out, "device");
	json_write_object(req->out);
	json_write_key(req->out, "id");
	json_write_uuid(req->out, &session->device.id);
	json_write_key(req->out, "name");
	json_write_str(req->out, session->device.name);
	json_write_key(req->out, "platform");
	json_write_str(req->out, session->device.platform);
	json_write_object_end(req->out);
	json_write_object_end(req->out);
	json_write_object_end(req->out);
	reply_status(req, status);
	return OK;
}

/* A hash in the format of crypto_pwhash_str. ERR_UNAVAILABLE when there is no memory for it right
 * now. */
static enum err password_hash(struct str password, char out[crypto_pwhash_STRBYTES])
{
	if (crypto_pwhash_str_alg(out, password.ptr, password.len, ARGON2_PASSES,
		    ARGON2_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) == 0)
		return OK;
	log_error_errno("cannot hash a password");
	return ERR_UNAVAILABLE;
}

enum err auth_register(struct request *req)
{
	struct user_new new = { 0 };
	struct device_new device = { 0 };
	struct sign_in sign_in;
	struct user user;
	struct uuid user_id;
	char hash[crypto_pwhash_STRBYTES];
	enum err err;

	user_new_read(req->json, &req->faults, &new);
	device_new_read(req->json, &req->faults, &device);
	err = request_check(req);
	if (err == OK)
		err = password_hash(new.password, hash);
	if (err != OK)
		return err;
	uuid_new(&user_id);
	sign_in_new(req, &user_id, &device, &sign_in);
	err = db_user_register(
		req->db, req->arena, &new, str_of(hash), &sign_in.session, &req->faults, &user);
	if (err != OK)
		return err;
	return sign_in_reply(req, 201, &user, &sign_in);
}

/* Checks a password; a hash of older figures is replaced on the way. hash.ptr NULL: no such user,
 * or none set. */
static enum err password_check(
	struct request *req, struct str password, const struct uuid *user, struct str hash)
{
	char current[crypto_pwhash_STRBYTES] = { 0 };
	char stronger[crypto_pwhash_STRBYTES];
	struct str known = hash.ptr && hash.len < sizeof(current) ? hash : STR(nobody_hash);

	memcpy(current, known.ptr, known.len);
	if (crypto_pwhash_str_verify(current, password.ptr, password.len) != 0 ||
		known.ptr != hash.ptr)
		return ERR_UNAUTHORIZED;
	if (crypto_pwhash_str_needs_rehash(current, ARGON2_PASSES, ARGON2_MEMORY_BYTES) == 0)
		return OK;
	if (password_hash(password, stronger) != OK)
		return OK; /* the old one still does */
	return db_user_password_update(req->db, req->arena, user, str_of(stronger), hash);
}

/* A name in any case is the same account, so its quota is one. */
static struct str name_fold(struct arena *arena, struct str name)
{
	char *folded = arena_strndup(arena, name.ptr, name.len);

	for (size_t i = 0; i < name.len; i++) {
		if (folded[i] >= 'A' && folded[i] <= 'Z')
			folded[i] += 'a' - 'A';
	}
	return (struct str){ folded, name.len };
}

enum err auth_login(struct request *req)
{
	struct login login = { 0 };
	struct device_new device = { 0 };
	struct sign_in sign_in;
	struct user user = { 0 };
	struct str hash = { NULL, 0 }, name;
	enum err err;

	login_read(req->json, &req->faults, &login);
	device_new_read(req->json, &req->faults, &device);
	err = request_check(req);
	if (err != OK)
		return err;
	name = login.handle.ptr ? login.handle : login.email;
	err = guard_login(req, name_fold(req->arena, name));
	if (err == OK)
		err = db_user_for_login(
			req->db, req->arena, login.handle, login.email, &user, &hash);
	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	err = password_check(req, login.password, &user.id, hash);
	if (err == ERR_UNAUTHORIZED)
		req->detail = "The name or the password is wrong.";
	if (err != OK)
		return err;
	sign_in_new(req, &user.id, &device, &sign_in);
	err = db_session_create(req->db, req->arena, &sign_in.session);
	if (err != OK)
		return err;
	return sign_in_reply(req, 200, &user, &sign_in);
}
