/* Requests of services (service.h). Called by guard.c and main.c. */
#include "rest/service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/scope.h"
#include "lib/service.h"
#include "rest/route.h"
#include "sql/store/service.h"

/*
 * Who guesses at tokens is held up by its address before the database is asked. A token that was good lately is not counted
 * there, so that one bad backend does not shut out a good one beside it. It says nothing of whether the token is good now.
 */
enum {
	KNOWN_TOKENS = 64
};

struct service_cache {
	uint8_t hashes[KNOWN_TOKENS][SERVICE_HASH_BYTES];
	size_t next; /* to be written over */
};

struct service_cache *service_cache_new(void)
{
	struct service_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		fatal("out of memory");
	return cache;
}

static bool is_known(const struct service_cache *cache, const uint8_t hash[SERVICE_HASH_BYTES])
{
	for (size_t i = 0; i < KNOWN_TOKENS; i++) {
		if (memcmp(cache->hashes[i], hash, SERVICE_HASH_BYTES) == 0)
			return true;
	}
	return false;
}

static void known_add(struct service_cache *cache, const uint8_t hash[SERVICE_HASH_BYTES])
{
	if (is_known(cache, hash))
		return;
	memcpy(cache->hashes[cache->next], hash, SERVICE_HASH_BYTES);
	cache->next = (cache->next + 1) % KNOWN_TOKENS;
}

/* Both limits. Counted by the token, whomever it acts for; there is no user yet. */
static enum err service_rate(struct request *req, const uint8_t hash[SERVICE_HASH_BYTES])
{
	enum err err = OK;

	if (!is_known(req->worker->services, hash))
		err = guard_token(req);
	if (err == OK)
		err = guard_rate_key(
			req, RATE_SERVICE, (struct str){ (const char *)hash, SERVICE_HASH_BYTES });
	return err;
}

/* For whom it acts; nil: nobody. Twice is not once: web servers make one variable of Parley-Act-As and Parley_Act_As, or
 * one value with a comma of two headers, and who has put in the second is not known. */
static enum err acting_read(struct request *req, struct uuid *out)
{
	static const char name[] = "HTTP_PARLEY_ACT_AS";
	struct str header = request_header(req, name);

	*out = (struct uuid){ { 0 } };
	if (!header.ptr)
		return OK;
	if (req->gateway->param_count(req->gateway->context, name) == 1 &&
		uuid_parse(header, out) == OK && !uuid_is_nil(out))
		return OK;
	req->detail = "Parley-Act-As must be the id of one user.";
	return ERR_MALFORMED;
}

/* What the database misses; or what the route does not give to services at all. */
static enum err service_refusal(
	struct request *req, const struct service_entry *entry, enum guard guard)
{
	bool acts = !uuid_is_nil(&req->caller.user_id);

	if (guard == GUARD_SELF || req->route->scope == SCOPE_NONE)
		req->detail = "Only people do this, with a token of their own.";
	else if (str_equal(entry->missing, STR("user")))
		req->detail = "Parley-Act-As names nobody for whom one could act.";
	else if (entry->missing.ptr)
		req->detail = arena_printf(req->arena, "This service token lacks the scope %.*s.",
			(int)entry->missing.len, entry->missing.ptr);
	else if (guard == GUARD_USER && !acts)
		req->detail = "This is done for a user: name it in Parley-Act-As.";
	else
		return OK;
	return ERR_FORBIDDEN;
}

enum err service_enter(struct request *req, struct str token, enum guard guard)
{
	const struct route *route = req->route;
	uint8_t hash[SERVICE_HASH_BYTES];
	struct service_request asked = {
		.token_hash = hash,
		.scope = route->scope == SCOPE_NONE ? NULL : scope_infos[route->scope].name,
		.method = req->is_head ? "HEAD" : route->method,
		.route = route->pattern,
		.targets = req->ids,
		.request_id = str_of(req->id),
		.remote_address = req->remote_address,
		.audit_ttl_s = (int64_t)req->conf->audit_ttl_days * 86400,
	};
	struct service_entry entry;
	enum err err = service_token_hash(token, hash), acting;

	if (err == OK)
		err = service_rate(req, hash);
	if (err != OK)
		return err;
	while (asked.ntargets < REQUEST_IDS_MAX && !uuid_is_nil(&req->ids[asked.ntargets]))
		asked.ntargets++;
	/* who has no token learns nothing of what is wrong besides */
	acting = acting_read(req, &asked.user_id);
	err = db_service_enter(req->db, req->arena, &asked, &entry);
	if (err != OK) {
		req->detail = NULL;
		return err;
	}
	known_add(req->worker->services, hash);
	req->worker->audit_id = entry.audit_id;
	req->caller = (struct caller){
		.kind = CALLER_SERVICE,
		.user_id = asked.user_id,
		.service_id = entry.token_id,
		.acts = entry.acts,
	};
	return acting == OK ? service_refusal(req, &entry, guard) : acting;
}

enum err service_refuse_acting(struct request *req)
{
	if (!request_header(req, "HTTP_PARLEY_ACT_AS").ptr)
		return OK;
	req->detail = "Only a service may act for somebody: leave out Parley-Act-As.";
	return ERR_FORBIDDEN;
}

void service_answered(struct worker *worker)
{
	if (worker->audit_id == 0)
		return;
	/* one that cannot be noted stays open in the log, and the database has said why in ours */
	if (db_service_answer(worker->db, worker->arena, worker->audit_id, worker->audit_status) !=
		OK)
		log_warn("the audit log lacks an answer", LOG_INT("status", worker->audit_status));
	worker->audit_id = 0;
	arena_reset(worker->arena);
}
