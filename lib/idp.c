/*
 * Tokens of identity providers, see the header. What a token says is read from its JSON in place, as in
 * jose.c; others may spell it with escapes and fractions, so texts are decoded before they are compared.
 */
#include "lib/idp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/json_scan.h"
#include "lib/jws.h"

enum {
	DOCUMENT_DEPTH_MAX = 8,
	HEADER_BYTES_MAX = 1024,
	HEADER_DEPTH_MAX = 4,
	CLAIMS_DEPTH_MAX = 8,
	SESSION_NAME_MAX = 512, /* bytes of sid or jti */
	NUMBER_MAX = 31,	/* characters of a time */
};

struct issuer {
	char name[IDENTITY_ISSUER_MAX + 1];
	size_t naudiences;
	char audiences[IDP_AUDIENCES_MAX][IDP_AUDIENCE_BYTES_MAX + 1];
	size_t nkeys;
	struct jwk keys[JWK_SET_MAX];
};

struct idp {
	size_t nissuers;
	struct issuer issuers[IDP_ISSUERS_MAX];
};

/* What a token's header says, as far as it is of use. */
struct header {
	char kid[JWK_KID_MAX + 1];
	enum jwk_alg alg;
};

static bool is_string(struct str raw)
{
	return raw.len >= 2 && raw.ptr[0] == '"';
}

/* A member that is a string and fits. */
static bool text_get(struct str json, const char *name, char *out, size_t size)
{
	struct str raw;
	return json_raw(json, name, &raw) && json_text(raw, out, size);
}

/* --- the document --- */

static const struct jwk *key_of_kid(const struct issuer *issuer, const char *kid)
{
	for (size_t i = 0; i < issuer->nkeys; i++) {
		if (strcmp(issuer->keys[i].kid, kid) == 0)
			return &issuer->keys[i];
	}
	return NULL;
}

static const struct issuer *issuer_of_name(const struct idp *idp, const char *name)
{
	for (size_t i = 0; i < idp->nissuers; i++) {
		if (strcmp(idp->issuers[i].name, name) == 0)
			return &idp->issuers[i];
	}
	return NULL;
}

static bool audiences_read(struct str json, struct issuer *issuer)
{
	struct str list, raw;
	if (!json_raw(json, "audience", &list) || list.ptr[0] != '[')
		return false;
	struct str rest = json_inside(list);
	while (json_walk(&rest, &raw)) {
		if (issuer->naudiences == IDP_AUDIENCES_MAX)
			return false;
		char *audience = issuer->audiences[issuer->naudiences];
		if (!json_text(raw, audience, IDP_AUDIENCE_BYTES_MAX + 1) || audience[0] == '\0')
			return false;
		issuer->naudiences++;
	}
	return issuer->naudiences > 0;
}

static bool keys_read(struct str json, struct issuer *issuer)
{
	struct str list, raw;
	if (!json_raw(json, "keys", &list) || list.ptr[0] != '[')
		return false;
	struct str rest = json_inside(list);
	while (issuer->nkeys < JWK_SET_MAX && json_walk(&rest, &raw)) {
		struct jwk key;
		if (jwk_read(raw, &key) != OK)
			continue;
		if (key_of_kid(issuer, key.kid))
			jwk_free(&key);
		else
			issuer->keys[issuer->nkeys++] = key;
	}
	return true;
}

/* The next issuer; it counts from here on, so that idp_free finds its keys. */
static bool issuer_read(struct str json, struct idp *idp)
{
	if (json.ptr[0] != '{' || idp->nissuers == IDP_ISSUERS_MAX)
		return false;
	struct issuer *issuer = &idp->issuers[idp->nissuers];
	if (!text_get(json, "issuer", issuer->name, sizeof(issuer->name)) ||
		issuer->name[0] == '\0' || issuer_of_name(idp, issuer->name))
		return false;
	idp->nissuers++;
	return audiences_read(json, issuer) && keys_read(json, issuer);
}

static bool issuers_read(struct str document, struct idp *idp)
{
	char why[JSON_WHY_BYTES];
	struct str list, json;
	if (json_scan(document, DOCUMENT_DEPTH_MAX, why) != OK ||
		!json_raw(document, "issuers", &list) || list.ptr[0] != '[')
		return false;
	struct str rest = json_inside(list);
	while (json_walk(&rest, &json)) {
		if (!issuer_read(json, idp))
			return false;
	}
	return true;
}

enum err idp_read(struct str document, struct idp **out)
{
	struct idp *idp = calloc(1, sizeof(*idp));
	if (!idp || sodium_init() < 0) {
		free(idp);
		return ERR_UNAVAILABLE;
	}
	if (!issuers_read(document, idp)) {
		idp_free(idp);
		return ERR_INVALID_INPUT;
	}
	*out = idp;
	return OK;
}

void idp_free(struct idp *idp)
{
	if (!idp)
		return;
	for (size_t i = 0; i < idp->nissuers; i++) {
		for (size_t j = 0; j < idp->issuers[i].nkeys; j++)
			jwk_free(&idp->issuers[i].keys[j]);
	}
	free(idp);
}

/* --- form --- */

/* A strict JSON object. */
static bool object_decode(struct str text, unsigned depth, char *out, size_t size, struct str *json)
{
	char why[JSON_WHY_BYTES];
	size_t len;
	if (!text_from_base64url(text, out, size, &len) || out[0] != '{')
		return false;
	*json = (struct str){ out, len };
	return json_scan(*json, depth, why) == OK;
}

/* A media type (RFC 7515 section 4.1.9): case is ignored, and so is a leading "application/". */
static bool type_ok(struct str json)
{
	static const struct str prefix = { "application/", 12 };
	struct str raw;
	char text[64];
	if (!json_raw(json, "typ", &raw))
		return true;
	if (!json_text(raw, text, sizeof(text)))
		return false;
	struct str type = str_of(text);
	if (type.len > prefix.len &&
		str_equal_nocase((struct str){ type.ptr, prefix.len }, prefix)) {
		type.ptr += prefix.len;
		type.len -= prefix.len;
	}
	return str_equal_nocase(type, STR("JWT")) || str_equal_nocase(type, STR("at+jwt"));
}

/* What would have us look elsewhere for a key, or understand what we do not. */
static bool has_refused(struct str json)
{
	static const char *const names[] = { "crit", "b64", "jwk", "jku", "x5c", "x5u" };
	struct str raw;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_raw(json, names[i], &raw))
			return true;
	}
	return false;
}

static bool alg_read(struct str json, enum jwk_alg *out)
{
	char name[16];
	if (!text_get(json, "alg", name, sizeof(name)))
		return false;
	for (enum jwk_alg alg = 0; alg < JWK_ALG__MAX; alg++) {
		if (strcmp(name, jwk_alg_name(alg)) == 0) {
			*out = alg;
			return true;
		}
	}
	return false;
}

static bool header_read(struct str json, struct header *out)
{
	return !has_refused(json) && type_ok(json) && alg_read(json, &out->alg) &&
	       text_get(json, "kid", out->kid, sizeof(out->kid)) && out->kid[0] != '\0';
}

/* --- claims --- */

bool idp_time(struct str raw, int64_t *out)
{
	char copy[NUMBER_MAX + 1];
	if (raw.len == 0 || raw.len > NUMBER_MAX || raw.ptr[0] < '0' || raw.ptr[0] > '9')
		return false;
	memcpy(copy, raw.ptr, raw.len);
	copy[raw.len] = '\0';
	char *end;
	double seconds = strtod(copy, &end);
	if (*end || !(seconds <= (double)JWS_TIME_MAX_S))
		return false;
	*out = (int64_t)floor(seconds);
	return true;
}

static bool time_get(struct str json, const char *name, int64_t *out)
{
	struct str raw;
	return json_raw(json, name, &raw) && idp_time(raw, out);
}

/* Absent, or a time that has come. */
static bool has_come(struct str json, const char *name, int64_t now_s, int64_t *out)
{
	struct str raw;
	*out = 0;
	return !json_raw(json, name, &raw) || (idp_time(raw, out) && *out <= now_s + JWS_SKEW_S);
}

static bool audience_is(const struct issuer *issuer, struct str raw)
{
	char audience[IDP_AUDIENCE_BYTES_MAX + 1];
	if (!json_text(raw, audience, sizeof(audience)))
		return false;
	for (size_t i = 0; i < issuer->naudiences; i++) {
		if (strcmp(issuer->audiences[i], audience) == 0)
			return true;
	}
	return false;
}

/* A string, or a list of nothing but strings. */
static bool audience_ok(const struct issuer *issuer, struct str json)
{
	struct str aud, raw;
	if (!json_raw(json, "aud", &aud))
		return false;
	if (aud.ptr[0] != '[')
		return audience_is(issuer, aud);
	struct str rest = json_inside(aud);
	bool found = false;
	while (json_walk(&rest, &raw)) {
		if (!is_string(raw))
			return false;
		found |= audience_is(issuer, raw);
	}
	return found;
}

/* By the best name that the token has for its session. False: a name that is too long. */
static bool session_read(struct str json, struct str token, struct idp_token *out)
{
	static const struct {
		const char *claim;
		enum identity_session kind;
	} names[] = {
		{ "sid", IDENTITY_SESSION_SID },
		{ "jti", IDENTITY_SESSION_JTI },
	};
	struct str raw, subject = str_of(out->subject);
	char name[SESSION_NAME_MAX + 1];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!json_raw(json, names[i].claim, &raw) || !is_string(raw) || raw.len == 2)
			continue;
		if (!json_text(raw, name, sizeof(name)))
			return false;
		identity_session_id(
			out->issuer, subject, names[i].kind, str_of(name), &out->session_id);
		return true;
	}
	identity_session_id(out->issuer, subject, IDENTITY_SESSION_TOKEN, token, &out->session_id);
	return true;
}

static const struct issuer *claims_refuse(struct idp_token *out, const char *why)
{
	out->refused = why;
	return NULL;
}

/* Everything that can be told without a key, but whether it has expired. */
static const struct issuer *claims_read(const struct idp *idp, struct str json, struct str token,
	int64_t now_s, struct idp_token *out)
{
	char name[IDENTITY_ISSUER_MAX + 1];
	int64_t not_before_s;
	if (!text_get(json, "iss", name, sizeof(name)))
		return claims_refuse(out, "it has no iss");
	const struct issuer *issuer = issuer_of_name(idp, name);
	if (!issuer)
		return claims_refuse(out, "its iss is none of idp_issuer");
	if (!audience_ok(issuer, json))
		return claims_refuse(out, "its aud is not that of idp_audience");
	if (!time_get(json, "exp", &out->expires_at_s))
		return claims_refuse(out, "it has no exp");
	if (!has_come(json, "iat", now_s, &out->issued_at_s) ||
		!has_come(json, "nbf", now_s, &not_before_s))
		return claims_refuse(out, "its iat or nbf is yet to come");
	if (!text_get(json, "sub", out->subject, sizeof(out->subject)) || out->subject[0] == '\0')
		return claims_refuse(out, "it has no sub, or one that is too long");
	out->issuer = str_of(issuer->name);
	identity_user_id(out->issuer, str_of(out->subject), &out->user_id);
	return session_read(json, token, out) ? issuer
					      : claims_refuse(out, "its sid or jti is too long");
}

/* --- verifying --- */

static bool signature_ok(const struct jwk *key, const struct header *header, const struct jws *jws)
{
	unsigned char signature[JWK_SIGNATURE_MAX];
	size_t len;
	return header->alg == key->alg &&
	       text_from_base64url(jws->signature, signature, sizeof(signature), &len) &&
	       jwk_verify(key, jws->covered, signature, len);
}

static enum err refuse(struct idp_token *out, const char *why)
{
	out->refused = why;
	return ERR_UNAUTHORIZED;
}

enum err idp_verify(const struct idp *idp, struct str token, int64_t now_s, struct idp_token *out,
	struct str *issuer_name)
{
	struct jws jws;
	struct str json;
	struct header header;
	char decoded[HEADER_BYTES_MAX];
	out->refused = NULL;
	if (token.len == 0 || token.len > IDP_TOKEN_MAX || !jws_split(token, &jws) ||
		!text_is_base64url(jws.signature) || jws.signature.len == 0)
		return refuse(out, "it is no signed JWT, or too long");
	if (!object_decode(jws.header, HEADER_DEPTH_MAX, decoded, sizeof(decoded), &json) ||
		!header_read(json, &header))
		return refuse(out, "its header has no kid, or another alg or typ");

	/* Claims before signature, as they choose the key. Nothing of them counts before it. */
	if (!object_decode(jws.payload, CLAIMS_DEPTH_MAX, out->claims, sizeof(out->claims), &json))
		return refuse(out, "its claims are no JSON object");
	out->claims_len = json.len;
	const struct issuer *issuer = claims_read(idp, json, token, now_s, out);
	if (!issuer)
		return ERR_UNAUTHORIZED;
	bool expired = out->expires_at_s <= now_s;
	const struct jwk *key = key_of_kid(issuer, header.kid);
	if (!key && !expired) {
		*issuer_name = out->issuer;
		return ERR_NOT_FOUND;
	}
	if (!key)
		return refuse(out, "it has expired, and its kid is not known");
	if (!signature_ok(key, &header, &jws))
		return refuse(out, "its signature is wrong");
	return expired ? ERR_TOKEN_EXPIRED : OK;
}
