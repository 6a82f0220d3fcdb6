/* What a route demands (guard.h). Called by route.c, and by rest/handler/auth.c for the rate of an
 * account. */
#include "rest/guard.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/idp.h"
#include "lib/log.h"
#include "lib/service.h"
#include "lib/time.h"
#include "rest/identity.h"
#include "rest/reply.h"
#include "rest/service.h"

/* ---- the caller -------------------------------------------------------------------------------
 */

/*
 * Verifying a signature costs more than reading a page of history, so what has been verified is kept
 * until it expires, by a hash of the whole token. A set of eight ways for each value of the hash's first
 * bits: a few hundred callers do not push each other out, as they would from a slot each.
 */
enum {
	TOKEN_SETS = 128,
	TOKEN_WAYS = 8,
	TOKEN_HASH_BYTES = 16
};

struct token_slot {
	uint8_t hash[TOKEN_HASH_BYTES];
	struct claims claims; /* expires_at_s 0: empty */
	uint64_t generation;  /* of the keys of identity providers; 0: a token of ours */
};

struct token_cache {
	struct token_slot sets[TOKEN_SETS][TOKEN_WAYS];
};

struct token_cache *token_cache_new(void)
{
	struct token_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		fatal("out of memory");
	return cache;
}

/* The slot of a token: with what it was verified as, or the one to be written over, whose token ends
 * first. */
static struct token_slot *token_slot_of(
	struct token_cache *cache, const uint8_t hash[TOKEN_HASH_BYTES], bool *found)
{
	struct token_slot *set = cache->sets[hash[0] % TOKEN_SETS], *oldest = set;

	*found = true;
	for (int i = 0; i < TOKEN_WAYS; i++) {
		if (memcmp(set[i].hash, hash, TOKEN_HASH_BYTES) == 0)
			return &set[i];
		if (set[i].claims.expires_at_s < oldest->claims.expires_at_s)
			oldest = &set[i];
	}
	*found = false;
	return oldest;
}

static enum err token_verify(struct request *req, struct str token, struct claims *out)
{
	int64_t now_s = time_now_us() / 1000000;
	uint8_t hash[TOKEN_HASH_BYTES];
	struct token_slot *slot;
	bool found;
	uint64_t generation = 0;
	enum err err;

	if (token.len == 0 || token.len > IDP_TOKEN_MAX)
		return ERR_UNAUTHORIZED;
	crypto_generichash(
		hash, sizeof(hash), (const unsigned char *)token.ptr, token.len, NULL, 0);
	slot = token_slot_of(req->worker->tokens, hash, &found);
	if (found && slot->claims.expires_at_s > now_s &&
		(slot->generation == 0 || slot->generation == identity_generation(req))) {
		*out = slot->claims;
		return OK;
	}
	shm_count(req->worker->shm, SHM_TOKENS_VERIFIED);
	err = jose_verify(req->worker->keys, req->conf->token_issuer, req->conf->token_audience,
		token, now_s, out);
	if (err == ERR_UNAUTHORIZED && req->worker->identity_keys) {
		err = identity_verify(req, token, now_s, out);
		if (err == OK)
			generation = identity_generation(req);
	}
	if (err != OK)
		return err;
	memcpy(slot->hash, hash, sizeof(hash));
	slot->claims = *out;
	slot->generation = generation;
	return OK;
}

enum err guard_caller(struct request *req, enum guard guard)
{
	static const struct str scheme = { "Bearer ", 7 };
	struct str header = request_header(req, "HTTP_AUTHORIZATION");
	struct str token;
	struct claims claims;
	enum err err;

	if (guard == GUARD_NONE)
		return OK;
	if (header.len <= scheme.len ||
		!str_equal_nocase((struct str){ header.ptr, scheme.len }, scheme))
		return ERR_UNAUTHORIZED;
	/* two headers arrive as one with a comma, which no token has: refused by its form */
	token = str_trim((struct str){ header.ptr + scheme.len, header.len - scheme.len });
	if (service_token_is(token))
		return service_enter(req, token, guard);
	err = token_verify(req, token, &claims);
	if (err != OK)
		return err;
	req->caller = (struct caller){
		.kind = CALLER_USER,
		.user_id = claims.user_id,
		.session_id = claims.session_id,
	};
	memcpy(req->caller.device_id, claims.device_id, sizeof(claims.device_id));
	return service_refuse_acting(req);
}

/* ---- the rate ---------------------------------------------------------------------------------
 */

/* The part of an address that one customer has for itself: all of IPv4, the first 64 bits of IPv6,
 * in whichever spelling. */
static struct str address_key(struct arena *arena, struct str text)
{
	struct address address;
	const char *bytes = (const char *)address.bytes;

	if (address_parse(text, &address) != OK)
		return text;
	return address_is_v4(&address) ? (struct str){ arena_strndup(arena, bytes, 16), 16 }
				       : (struct str){ arena_strndup(arena, bytes, 8), 8 };
}

/* What draft-ietf-httpapi-ratelimit-headers has the client know. */
static void rate_tell(
	struct request *req, const struct rate_limit *limit, const struct rate_answer *answer)
{
	reply_head_set(req, "RateLimit-Policy",
		arena_printf(req->arena, "\"%s\";q=%u;w=%u", limit->name, limit->quota,
			limit->window_s));
	reply_head_set(req, "RateLimit",
		arena_printf(req->arena, "\"%s\";r=%u;t=%u", limit->name, answer->remaining,
			answer->reset_s));
	if (!answer->allowed)
		reply_head_set(
			req, "Retry-After", arena_printf(req->arena, "%u", answer->retry_after_s));
}

/* shown: it is told of in any case, and not only when it refuses, in the place of one that let through before. */
static enum err rate_take_key(struct request *req, enum rate rate, struct str key, bool shown)
{
	struct rate_limit limit = rate_limit_of(rate, req->conf->rate_scale);
	struct rate_answer answer;

	if (req->conf->rate_scale <= 0)
		return OK;
	answer = rate_take(req->worker->shm, &limit, key, time_mono_us());
	if (shown || !answer.allowed)
		rate_tell(req, &limit, &answer);
	if (answer.allowed)
		return OK;
	shm_count(req->worker->shm, SHM_RATE_LIMITED);
	return ERR_RATE_LIMITED;
}

static struct str uuid_bytes(const struct uuid *id)
{
	return (struct str){ (const char *)id->bytes, sizeof(id->bytes) };
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

/* One from the bucket of an account together with something else. */
static enum err rate_take_pair(
	struct request *req, enum rate rate, struct str account, struct str other)
{
	struct buf key = { 0 };
	enum err err;

	buf_add(&key, account.ptr, account.len);
	buf_add_char(&key, '\0');
	buf_add(&key, other.ptr, other.len);
	err = rate_take_key(req, rate, (struct str){ key.data, key.len }, false);
	buf_free(&key);
	return err;
}

enum err guard_guess(struct request *req, struct str name)
{
	return rate_take_pair(req, RATE_GUESS, name_fold(req->arena, name),
		address_key(req->arena, req->remote_address));
}

enum err guard_account(struct request *req, struct str name, const struct uuid *device)
{
	struct str account = name_fold(req->arena, name);

	if (!device || uuid_is_nil(device))
		return rate_take_key(req, RATE_ACCOUNT, account, false);
	return rate_take_pair(req, RATE_DEVICE, account, uuid_bytes(device));
}

enum err guard_reset(struct request *req, struct str email)
{
	return rate_take_key(req, RATE_RESET_EMAIL, name_fold(req->arena, email), false);
}

enum err guard_prekeys(struct request *req, const struct uuid *user)
{
	return rate_take_pair(
		req, RATE_PREKEYS, uuid_bytes(&req->caller.user_id), uuid_bytes(user));
}

enum err guard_token(struct request *req)
{
	return rate_take_key(req, RATE_TOKEN, address_key(req->arena, req->remote_address), false);
}

enum err guard_seen(struct request *req, const struct uuid *user)
{
	return rate_take_key(req, RATE_SEEN, uuid_bytes(user), false);
}

enum err guard_rate_key(struct request *req, enum rate rate, struct str key)
{
	return rate == RATE_NONE ? OK : rate_take_key(req, rate, key, true);
}

enum err guard_rate(struct request *req, enum rate rate)
{
	struct str key = uuid_bytes(&req->caller.user_id);

	if (req->caller.kind == CALLER_SERVICE)
		return OK;
	if (uuid_is_nil(&req->caller.user_id))
		key = address_key(req->arena, req->remote_address);
	return guard_rate_key(req, rate, key);
}

/* ---- what the client takes --------------------------------------------------------------------
 */

/* Do the parameters of a media range say that it is not wanted at all: q=0, to three decimals? */
static bool is_weightless(struct str parameters)
{
	while (parameters.len > 0) {
		const char *semicolon = memchr(parameters.ptr, ';', parameters.len);
		size_t len = semicolon ? (size_t)(semicolon - parameters.ptr) : parameters.len;
		struct str one = str_trim((struct str){ parameters.ptr, len });
		size_t zeros = 3;

		if (one.len > 2 && (one.ptr[0] | 0x20) == 'q' && one.ptr[1] == '=' &&
			one.ptr[2] == '0') {
			while (zeros < one.len && (one.ptr[zeros] == '0' || one.ptr[zeros] == '.'))
				zeros++;
			return zeros == one.len;
		}
		parameters.ptr += semicolon ? len + 1 : len;
		parameters.len -= semicolon ? len + 1 : len;
	}
	return false;
}

/* Does one range of an Accept header (a media range, perhaps with a q) take our JSON? */
static bool range_takes_json(struct str range)
{
	static const struct str taken[] = { { "*/*", 3 }, { "application/*", 13 },
		{ "application/json", 16 }, { "application/problem+json", 24 } };
	const char *semicolon = memchr(range.ptr, ';', range.len);
	struct str type = range;

	if (semicolon) {
		type.len = (size_t)(semicolon - range.ptr);
		if (is_weightless((struct str){ semicolon + 1, range.len - type.len - 1 }))
			return false;
	}
	type = str_trim(type);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (str_equal_nocase(type, taken[i]))
			return true;
	}
	return false;
}

enum err guard_accept(const struct request *req)
{
	struct str rest = request_header(req, "HTTP_ACCEPT");

	if (str_trim(rest).len == 0)
		return OK;
	while (rest.len > 0) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;

		if (range_takes_json((struct str){ rest.ptr, len }))
			return OK;
		rest.ptr += comma ? len + 1 : len;
		rest.len -= comma ? len + 1 : len;
	}
	return ERR_NOT_ACCEPTABLE;
}
