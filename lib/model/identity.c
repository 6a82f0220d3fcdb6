/*
 * What identity providers tell of people, see the header. A provider has rules of its own for names, so
 * what does not fit ours is cut or left out, never an error.
 */
#include "lib/model/identity.h"

#include <string.h>

#include "lib/identity.h"
#include "lib/idp.h"
#include "lib/json_write.h"
#include "lib/model/user.h"

/* --- what fits --- */

static struct str none(void)
{
	return (struct str){ NULL, 0 };
}

/* Bytes of the well-formed character at the front of text. */
static size_t char_length(struct str text)
{
	size_t len = 1;
	while (len < text.len && ((uint8_t)text.ptr[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Without what deceives, and cut to what a name may have; none when nothing is left to see. */
static struct str name_fit(struct arena *arena, struct str text)
{
	char *name = arena_alloc(arena, text.len + 1);
	size_t len = 0, chars = 0;
	text = str_trim(text);
	while (text.len > 0 && chars < NAME_MAX_CHARS) {
		struct str one = { text.ptr, char_length(text) };
		text.ptr += one.len;
		text.len -= one.len;
		if (text_has_control(one))
			continue;
		memcpy(name + len, one.ptr, one.len);
		len += one.len;
		chars++;
	}
	struct str fitted = str_trim((struct str){ name, len });
	return text_is_blank(fitted) ? none() : fitted;
}

static struct str handle_fit(struct arena *arena, struct str text)
{
	(void)arena;
	return user_handle_ok(text) ? text : none();
}

static struct str email_fit(struct arena *arena, struct str text)
{
	(void)arena;
	return user_email_ok(text) ? text : none();
}

/* --- claims --- */

/* A member that is an URL; others are passed over. */
static struct str url_get(const struct json *object, const char *name)
{
	struct faults unused = { .count = 0 };
	struct str url = none();
	return json_read_url(object, name, JSON_OPTIONAL, URL_MAX_BYTES, &unused, &url) ? url
											: none();
}

/* Of the claims in a list with spaces between, the first that is a text and fits. */
static struct str claim_first(struct arena *arena, const struct json *claims, const char *list,
	struct str (*fit)(struct arena *arena, struct str text))
{
	struct str rest = str_of(list), name;
	while (text_word(&rest, &name)) {
		const char *key = arena_strndup(arena, name.ptr, name.len);
		struct str text = json_str(json_get(claims, key));
		struct str fitted = text.len > 0 ? fit(arena, text) : none();
		if (fitted.ptr)
			return fitted;
	}
	return none();
}

static struct str claim_url(struct arena *arena, const struct json *claims, const char *list)
{
	struct str rest = str_of(list), name;
	while (text_word(&rest, &name)) {
		struct str url = url_get(claims, arena_strndup(arena, name.ptr, name.len));
		if (url.ptr)
			return url;
	}
	return none();
}

/* Some providers write the truth as a string. */
static bool email_is_refuted(const struct json *claims)
{
	struct faults unused = { .count = 0 };
	bool verified = true;
	json_read_bool(claims, "email_verified", JSON_OPTIONAL, &unused, &verified);
	return !verified || str_equal(json_str(json_get(claims, "email_verified")), STR("false"));
}

/* Who signs in once and again by the same session at the provider does so on one device; tokens that name no session
 * have one device together. */
static void device_choose(const struct json *claims, struct identity *identity)
{
	bool named = json_str(json_get(claims, "sid")).len > 0;
	identity->device_id = named ? identity->session_id : identity->user_id;
}

enum err identity_claims_read(struct arena *arena, const struct conf *conf, struct str text,
	const struct uuid *session_id, struct identity *out)
{
	char why[JSON_WHY_BYTES];
	const struct json *claims;
	struct str exp;
	int64_t expires_at_s;
	if (json_parse(arena, text, JSON_DEPTH_MAX, why, &claims) != OK)
		return ERR_INVALID_INPUT;
	struct str issuer = json_str(json_get(claims, "iss"));
	struct str subject = json_str(json_get(claims, "sub"));
	if (issuer.len == 0 || issuer.len > IDENTITY_ISSUER_MAX || subject.len == 0 ||
		subject.len > IDENTITY_SUBJECT_MAX || !json_raw(text, "exp", &exp) ||
		!idp_time(exp, &expires_at_s))
		return ERR_INVALID_INPUT;

	*out = (struct identity){
		.session_id = *session_id,
		.expires_at_us = expires_at_s * 1000000,
		.issuer = issuer,
		.subject = subject,
		.handle = claim_first(arena, claims, conf->idp_claim_handle, handle_fit),
		.display_name = claim_first(arena, claims, conf->idp_claim_name, name_fit),
		.avatar_url = claim_url(arena, claims, conf->idp_claim_avatar),
	};
	if (!email_is_refuted(claims))
		out->email = claim_first(arena, claims, conf->idp_claim_email, email_fit);
	identity_user_id(issuer, subject, &out->user_id);
	device_choose(claims, out);
	return OK;
}

/* --- webhooks --- */

static const struct {
	const char *type;
	enum identity_event_kind kind;
} kinds[] = {
	{ "user.created", IDENTITY_CREATED },
	{ "user.updated", IDENTITY_UPDATED },
	{ "user.deleted", IDENTITY_DELETED },
};

static enum identity_event_kind kind_of(struct str type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_equal(type, str_of(kinds[i].type)))
			return kinds[i].kind;
	}
	return IDENTITY_OTHER;
}

/* Both names with a space between, or the one that there is. */
static struct str full_name(struct arena *arena, const struct json *data)
{
	struct str first = json_str(json_get(data, "first_name"));
	struct str last = json_str(json_get(data, "last_name"));
	const char *both = arena_printf(arena, "%.*s %.*s", (int)first.len,
		first.ptr ? first.ptr : "", (int)last.len, last.ptr ? last.ptr : "");
	struct str name = name_fit(arena, str_of(both));
	if (name.ptr)
		return name;
	struct str username = json_str(json_get(data, "username"));
	return username.len > 0 ? name_fit(arena, username) : none();
}

/* The address that the primary id names, unless the provider says that it is not verified. */
static struct str primary_email(const struct json *data)
{
	const struct json *list = json_get(data, "email_addresses");
	struct str primary = json_str(json_get(data, "primary_email_address_id"));
	for (size_t i = 0; primary.len > 0 && i < json_length(list); i++) {
		const struct json *address = json_at(list, i);
		if (!str_equal(json_str(json_get(address, "id")), primary))
			continue;
		struct str status = json_str(json_get(json_get(address, "verification"), "status"));
		struct str email = json_str(json_get(address, "email_address"));
		bool verified = !status.ptr || str_equal(status, STR("verified"));
		return verified && user_email_ok(email) ? email : none();
	}
	return none();
}

void identity_event_read(struct arena *arena, const struct json *body, struct str issuer,
	int64_t sent_at_s, struct faults *faults, struct identity_event *out)
{
	struct str type, subject = none();
	int64_t updated_at_ms;
	*out = (struct identity_event){ .kind = IDENTITY_OTHER };
	if (!json_read_top(body, faults) ||
		!json_read_bytes(body, "type", JSON_REQUIRED, 1, SIZE_MAX, faults, &type))
		return;
	enum identity_event_kind kind = kind_of(type);
	if (kind == IDENTITY_OTHER)
		return;
	const struct json *data = json_get(body, "data");
	if (json_kind_of(data) != JSON_OBJECT) {
		fault_add(faults, "data", "required", "It must be an object.");
		return;
	}
	subject = json_str(json_get(data, "id"));
	if (subject.len == 0 || subject.len > IDENTITY_SUBJECT_MAX) {
		fault_add(faults, "data.id", "required", "It must be a text of 1 to 255 bytes.");
		return;
	}
	*out = (struct identity_event){
		.kind = kind,
		.told_at_us = sent_at_s * 1000000,
		.identity = {
			.issuer = issuer,
			.subject = subject,
			.handle = handle_fit(arena, json_str(json_get(data, "username"))),
			.display_name = full_name(arena, data),
			.email = primary_email(data),
			.avatar_url = url_get(data, "image_url"),
		},
	};
	if (json_int(json_get(data, "updated_at"), 0, INT64_C(253402300799999), &updated_at_ms))
		out->told_at_us = updated_at_ms * 1000;
	identity_user_id(issuer, subject, &out->identity.user_id);
}

/* --- keys --- */

void identity_document_write(
	struct buf *buf, const struct conf *conf, const struct identity_key *keys, size_t nkeys)
{
	struct str issuers = str_of(conf->idp_issuer), audiences = str_of(conf->idp_audience);
	struct str issuer, audience;
	json_write_object(buf);
	json_write_key(buf, "issuers");
	json_write_array(buf);
	while (text_word(&issuers, &issuer) && text_word(&audiences, &audience)) {
		json_write_object(buf);
		json_write_key(buf, "issuer");
		json_write_str(buf, issuer);
		json_write_key(buf, "audience");
		json_write_array(buf);
		json_write_str(buf, audience);
		json_write_array_end(buf);
		json_write_key(buf, "keys");
		json_write_array(buf);
		for (size_t i = 0; i < nkeys; i++) {
			if (str_equal(keys[i].issuer, issuer))
				json_write_raw(buf, keys[i].jwk);
		}
		json_write_array_end(buf);
		json_write_object_end(buf);
	}
	json_write_array_end(buf);
	json_write_object_end(buf);
}
