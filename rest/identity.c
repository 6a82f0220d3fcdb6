/* Callers with tokens of identity providers (identity.h). */
#include "rest/identity.h"

#include <stdlib.h>
#include <string.h>

#include "lib/idp.h"
#include "lib/log.h"
#include "lib/model/identity.h"
#include "lib/time.h"
#include "rest/guard.h"
#include "sql/store/identity.h"

enum {
	/* Keys are read again as often whether or not a token names an unknown one: of those that are gone nothing
	 * else tells. */
	KEYS_AGE_MAX_US = 60 * 1000000,
	/* Whatever a flood of tokens names. What has just been fetched is found by who tries again. */
	KEYS_AGE_MIN_US = 250000,
	WANT_AGAIN_US = 1000000, /* the database has the last word: once a minute */
};

struct identity_keys {
	struct idp *idp;     /* NULL: not read yet */
	struct buf document; /* of which it was read */
	uint64_t generation;
	int64_t read_at_us;
	int64_t wanted_at_us[IDP_ISSUERS_MAX]; /* in the order of the settings; 0: never */
};

struct identity_keys *identity_keys_new(const struct conf *conf)
{
	struct str issuers = str_of(conf->idp_issuer), issuer;
	struct identity_keys *keys;

	if (!text_word(&issuers, &issuer))
		return NULL;
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		fatal("out of memory");
	return keys;
}

void identity_keys_free(struct identity_keys *keys)
{
	if (!keys)
		return;
	idp_free(keys->idp);
	buf_free(&keys->document);
	free(keys);
}

static bool keys_are(const struct identity_keys *keys, const struct buf *document)
{
	return keys->idp && str_equal((struct str){ keys->document.data, keys->document.len },
				    (struct str){ document->data, document->len });
}

/* Takes the document over when it is another one. */
static enum err keys_take(struct identity_keys *keys, struct buf *document)
{
	struct idp *idp;

	if (keys_are(keys, document))
		return OK;
	if (idp_read((struct str){ document->data, document->len }, &idp) != OK) {
		log_error("the keys of the identity providers cannot be used");
		return ERR_INTERNAL;
	}
	idp_free(keys->idp);
	buf_free(&keys->document);
	keys->idp = idp;
	keys->document = *document;
	keys->generation++;
	*document = (struct buf){ 0 };
	return OK;
}

/* Reads the keys; those that there were stay where that fails. */
static enum err keys_read(struct request *req, struct identity_keys *keys)
{
	struct identity_key *rows;
	struct buf document = { 0 };
	size_t count;
	enum err err = db_identity_keys(req->db, req->arena, &rows, &count);

	if (err != OK)
		return err;
	identity_document_write(&document, req->conf, rows, count);
	err = keys_take(keys, &document);
	buf_free(&document);
	if (err == OK)
		keys->read_at_us = time_mono_us();
	return err;
}

static bool keys_are_older(const struct identity_keys *keys, int64_t age_us)
{
	return !keys->idp || time_mono_us() - keys->read_at_us > age_us;
}

/* Its place in the settings. */
static size_t issuer_index(const struct conf *conf, struct str issuer)
{
	struct str issuers = str_of(conf->idp_issuer), one;
	size_t index = 0;

	while (index < IDP_ISSUERS_MAX - 1 && text_word(&issuers, &one) && !str_equal(one, issuer))
		index++;
	return index;
}

/* Asks for an issuer's keys. A refusal is no worse for it when that fails: the next will ask again. */
static void keys_want(struct request *req, struct identity_keys *keys, struct str issuer)
{
	int64_t *wanted_at_us = &keys->wanted_at_us[issuer_index(req->conf, issuer)];
	int64_t now_us = time_mono_us();

	if (*wanted_at_us != 0 && now_us - *wanted_at_us < WANT_AGAIN_US)
		return;
	*wanted_at_us = now_us;
	if (db_identity_want(req->db, req->arena, issuer) != OK)
		log_warn("the keys of an identity provider could not be asked for");
}

static enum err token_check(struct request *req, struct identity_keys *keys, struct str token,
	int64_t now_s, struct idp_token *out)
{
	struct str issuer;
	enum err err;

	if (keys_are_older(keys, KEYS_AGE_MAX_US)) {
		err = keys_read(req, keys);
		if (err != OK)
			return err;
	}
	err = idp_verify(keys->idp, token, now_s, out, &issuer);
	if (err == ERR_NOT_FOUND && keys_are_older(keys, KEYS_AGE_MIN_US)) {
		err = keys_read(req, keys);
		if (err != OK)
			return err;
		err = idp_verify(keys->idp, token, now_s, out, &issuer);
	}
	if (err == ERR_UNAUTHORIZED)
		req->refused = out->refused;
	if (err != ERR_NOT_FOUND)
		return err;
	req->refused = "its kid is not known: the keys are asked for";
	keys_want(req, keys, issuer);
	return ERR_UNAUTHORIZED;
}

enum err identity_verify(struct request *req, struct str token, int64_t now_s, struct claims *out)
{
	struct identity identity;
	struct idp_token *verified;
	enum err err;

	verified = arena_alloc(req->arena, sizeof(*verified));
	err = token_check(req, req->worker->identity_keys, token, now_s, verified);
	if (err != OK)
		return err;
	err = identity_claims_read(req->arena, req->conf,
		(struct str){ verified->claims, verified->claims_len }, &verified->session_id,
		&identity);
	if (err != OK) {
		req->refused = "its claims are no JSON object";
		return ERR_UNAUTHORIZED;
	}
	err = guard_seen(req, &identity.user_id);
	if (err == OK)
		err = db_identity_seen(req->db, req->arena, &identity);
	if (err == ERR_UNAUTHORIZED)
		req->refused = "its session has ended, or the account is disabled or erased";
	if (err != OK)
		return err;
	*out = (struct claims){
		.user_id = identity.user_id,
		.session_id = identity.session_id,
		.issued_at_s = verified->issued_at_s,
		.expires_at_s = verified->expires_at_s,
	};
	uuid_format(&identity.device_id, out->device_id);
	return OK;
}

uint64_t identity_generation(struct request *req)
{
	struct identity_keys *keys = req->worker->identity_keys;

	if (keys_are_older(keys, KEYS_AGE_MAX_US) && keys_read(req, keys) != OK)
		log_warn("the keys of the identity providers could not be looked at");
	return keys->generation;
}
