/* Keys of identity providers (jwks.h). Called by main.c. */
#include "push/notify/jwks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/idp.h"
#include "lib/jwk.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/time.h"
#include "lib/url.h"
#include "sql/store/identity.h"

enum {
	LIMIT_MS = 5000,
	DOCUMENT_MAX = 256 * 1024,
	AGAIN_MIN_MS = 1000, /* after a failure; doubled with each, up to a minute */
	AGAIN_MAX_MS = 60000,
	REASON_BYTES = 64,
};

/* One of them. */
struct provider {
	struct transfer transfer; /* the first member */
	struct jwks *jwks;
	char *issuer;
	char *url;
	bool busy;
	bool wanted; /* somebody has asked */
	unsigned failures;
	int64_t next_at_us;
};

struct jwks {
	struct db *db;
	struct transfers *transfers;
	struct arena *arena;
	int64_t refresh_us;
	size_t count;
	struct provider providers[IDP_ISSUERS_MAX];
};

/* --- what a provider serves --------------------------------------------------------------------
 */

static bool provider_prepare(struct transfer *transfer, CURL *easy)
{
	struct curl_slist *headers = /* the process ends with it */
		curl_slist_append(NULL, "Accept: application/jwk-set+json, application/json");
	(void)transfer;
	return headers && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

static void provider_later(struct provider *provider, const char *reason)
{
	int64_t delay_ms = AGAIN_MIN_MS;
	for (unsigned i = 0; i < provider->failures && delay_ms < AGAIN_MAX_MS; i++)
		delay_ms *= 2;
	if (delay_ms > AGAIN_MAX_MS)
		delay_ms = AGAIN_MAX_MS;
	provider->failures++;
	provider->next_at_us = time_mono_us() + delay_ms * 1000;
	log_warn("the keys of an identity provider cannot be had: it keeps those that it has",
		LOG_STR("issuer", provider->issuer), LOG_STR("url", provider->url),
		LOG_STR("reason", reason), LOG_INT("retry_ms", delay_ms));
}

/* Puts the keys of a document into the database. */
static enum err document_take(struct provider *provider, struct str document)
{
	struct jwks *jwks = provider->jwks;
	struct jwk_entry *keys = arena_calloc(jwks->arena, JWK_SET_MAX, sizeof(*keys));
	size_t count;
	bool changed;
	enum err err = jwk_set_read(document, keys, &count);
	if (err == OK)
		err = db_identity_keys_put(
			jwks->db, jwks->arena, str_of(provider->issuer), keys, count, &changed);
	if (err == OK)
		log_info(changed ? "an identity provider has other keys"
				 : "an identity provider has the same keys",
			LOG_STR("issuer", provider->issuer), LOG_INT("keys", count));
	arena_reset(jwks->arena);
	return err;
}

static void provider_done(
	struct transfer *transfer, const struct transfer_result *result, struct str body)
{
	struct provider *provider = (struct provider *)transfer;
	char reason[REASON_BYTES];
	provider->busy = false;
	if (result->code == CURLE_WRITE_ERROR) {
		provider_later(provider, "the document is too large");
		return;
	}
	if (result->code != CURLE_OK) {
		provider_later(provider, result->reason);
		return;
	}
	if (result->answer != 200) {
		/* redirects are not followed: where keys come from is for the settings to say */
		snprintf(reason, sizeof(reason), "it answers with %ld", result->answer);
		provider_later(provider, reason);
		return;
	}
	switch (document_take(provider, body)) {
	case OK:
		provider->failures = 0;
		provider->next_at_us = time_mono_us() + provider->jwks->refresh_us;
		break;
	case ERR_MALFORMED:
		provider_later(provider, "the document is no JSON");
		break;
	case ERR_INVALID_INPUT:
		provider_later(provider, "the document has no keys that could be used");
		break;
	default:
		provider_later(provider, "the database does not take them");
	}
}

/* --- when it is fetched ------------------------------------------------------------------------
 */

static void providers_mark(struct jwks *jwks, const struct str *wanted, size_t count)
{
	for (size_t i = 0; i < jwks->count; i++) {
		for (size_t j = 0; j < count; j++) {
			if (str_equal(str_of(jwks->providers[i].issuer), wanted[j]))
				jwks->providers[i].wanted = true;
		}
	}
}

static enum err provider_fetch(struct provider *provider)
{
	struct jwks *jwks = provider->jwks;
	/* before: whoever asks from now on wants what is fetched after this */
	enum err err = db_identity_take(jwks->db, jwks->arena, str_of(provider->issuer));
	if (err != OK)
		return err;
	provider->wanted = false;
	provider->busy = transfer_start(jwks->transfers, &provider->transfer);
	if (!provider->busy)
		provider_later(provider, "it cannot be started");
	return OK;
}

enum err jwks_look(struct jwks *jwks, int64_t now_us, int64_t *look_at_us)
{
	struct str *wanted;
	size_t count;
	if (jwks->count == 0)
		return OK;
	enum err err = db_identity_wanted(jwks->db, jwks->arena, &wanted, &count);
	if (err == OK)
		providers_mark(jwks, wanted, count);
	for (size_t i = 0; i < jwks->count && err == OK; i++) {
		struct provider *provider = &jwks->providers[i];
		/* while it is busy it is not taken, and found again when it has ended */
		if (!provider->busy && (provider->wanted || now_us >= provider->next_at_us))
			err = provider_fetch(provider);
		if (!provider->busy && provider->next_at_us < *look_at_us)
			*look_at_us = provider->next_at_us;
	}
	arena_reset(jwks->arena);
	return err;
}

/* --- start and end ------------------------------------------------------------------------------
 */

static char *copy_of(struct str text)
{
	char *copy = strndup(text.ptr, text.len);
	if (!copy)
		fatal("out of memory");
	return copy;
}

struct jwks *jwks_new(const struct conf *conf, struct db *db, struct transfers *transfers)
{
	struct str issuers = str_of(conf->idp_issuer), urls = str_of(conf->idp_jwks_url);
	struct str issuer, url;
	struct jwks *jwks = calloc(1, sizeof(*jwks));
	if (!jwks)
		fatal("out of memory");
	jwks->db = db;
	jwks->transfers = transfers;
	jwks->arena = arena_new();
	jwks->refresh_us = (int64_t)conf->idp_refresh_s * 1000000;
	/* of each there are as many, and they are good: conf_load has seen to it */
	while (jwks->count < IDP_ISSUERS_MAX && text_word(&issuers, &issuer) &&
		text_word(&urls, &url)) {
		struct provider *provider = &jwks->providers[jwks->count++];
		*provider = (struct provider){
			.jwks = jwks,
			.issuer = copy_of(issuer),
			.url = copy_of(url),
		};
		provider->transfer = (struct transfer){
			.url = provider->url,
			/* in the clear on this host alone */
			.protocols =
				url_is_loopback(str_of(provider->url)) ? "http,https" : "https",
			.limit_ms = LIMIT_MS,
			.body_max = DOCUMENT_MAX,
			.prepare = provider_prepare,
			.done = provider_done,
		};
	}
	return jwks;
}

void jwks_free(struct jwks *jwks)
{
	if (!jwks)
		return;
	for (size_t i = 0; i < jwks->count; i++) {
		transfer_break(jwks->transfers, &jwks->providers[i].transfer);
		free(jwks->providers[i].issuer);
		free(jwks->providers[i].url);
	}
	arena_free(jwks->arena);
	free(jwks);
}
