/*
 * People: what they may be called, what is read when they register, sign in and change their
 * profile, and the profile in JSON. Whether a handle is taken is for the database to say.
 */
#include "lib/model/user.h"

#include <string.h>

#include "lib/json_write.h"

enum {
	EMAIL_LOCAL_MAX_BYTES = 64,
	SUBTAG_MAX_BYTES = 8, /* of a locale */
};

static bool is_alpha(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool is_alnum(char byte)
{
	return is_alpha(byte) || (byte >= '0' && byte <= '9');
}

static bool is_handle(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_alnum(text.ptr[i]) && !memchr("_.-", text.ptr[i], 3))
			return false;
	}
	return true;
}

/* One "@" with something on both sides, and nothing that could pass for a second address or a
 * header. More can only be known by sending a mail. */
static bool is_email(struct str text)
{
	const char *at = memchr(text.ptr, '@', text.len);
	if (at == NULL || text_has_control(text))
		return false;
	size_t local = (size_t)(at - text.ptr);
	size_t domain = text.len - local - 1;
	if (local == 0 || local > EMAIL_LOCAL_MAX_BYTES || domain == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (i != local && strchr("@ <>()[],;:\"\\", text.ptr[i]))
			return false;
	}
	return true;
}

/* The shape of BCP 47: subtags of one to eight letters and digits, the first of letters alone. */
static bool is_locale(struct str text)
{
	size_t begin = 0;
	for (size_t i = 0; i <= text.len; i++) {
		if (i == text.len || text.ptr[i] == '-') {
			size_t least = begin == 0 ? 2 : 1;
			if (i - begin < least || i - begin > SUBTAG_MAX_BYTES)
				return false;
			begin = i + 1;
		} else if (!(begin == 0 ? is_alpha(text.ptr[i]) : is_alnum(text.ptr[i]))) {
			return false;
		}
	}
	return true;
}

/* Line breaks and tabs belong to a text of several lines; other control characters do not. */
static bool is_prose(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.ptr[i];
		if ((byte < 0x20 && !memchr("\t\n\r", byte, 3)) || byte == 0x7f)
			return false;
	}
	return true;
}

static void handle_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str handle;
	if (!json_read_bytes(
		    body, "handle", JSON_REQUIRED, HANDLE_MIN, HANDLE_MAX, faults, &handle))
		return;
	if (is_handle(handle))
		*out = handle;
	else
		fault_add(faults, "handle", "bad_format",
			"It may have letters, digits, '_', '.' and '-' alone.");
}

static void email_read(
	const struct json *body, enum json_need need, struct faults *faults, struct str *out)
{
	struct str email;
	if (!json_read_bytes(body, "email", need, 0, EMAIL_MAX_BYTES, faults, &email))
		return;
	if (is_email(email))
		*out = email;
	else
		fault_add(faults, "email", "bad_format", "It must be an e-mail address.");
}

static bool locale_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str locale;
	if (!json_read_bytes(body, "locale", JSON_OPTIONAL, 0, LOCALE_MAX_BYTES, faults, &locale))
		return false;
	if (!is_locale(locale)) {
		fault_add(faults, "locale", "bad_format",
			"It must be a language tag, such as en or de-CH.");
		return false;
	}
	*out = locale;
	return true;
}

static bool bio_read(const struct json *body, struct faults *faults, struct str *out)
{
	struct str bio;
	if (!json_read_bytes(body, "bio", JSON_OPTIONAL, 0, SIZE_MAX, faults, &bio))
		return false;
	if (text_code_points(bio) > BIO_MAX_CHARS) {
		fault_add(faults, "bio", "too_long", "It is too long.");
		return false;
	}
	if (!is_prose(bio)) {
		fault_add(faults, "bio", "bad_format", "It must not have control characters.");
		return false;
	}
	*out = bio;
	return true;
}

bool user_handle_ok(struct str text)
{
	return text.len >= HANDLE_MIN && text.len <= HANDLE_MAX && is_handle(text);
}

bool user_email_ok(struct str text)
{
	return text.len > 0 && text.len <= EMAIL_MAX_BYTES && is_email(text);
}

void user_new_read(const struct json *body, struct faults *faults, struct user_new *out)
{
	*out = (struct user_new){ 0 };
	if (!json_read_top(body, faults))
		return;
	handle_read(body, faults, &out->handle);
	json_read_name(
		body, "display_name", JSON_REQUIRED, 1, NAME_MAX_CHARS, faults, &out->display_name);
	json_read_bytes(body, "password", JSON_REQUIRED, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES,
		faults, &out->password);
	email_read(body, JSON_OPTIONAL, faults, &out->email);
	locale_read(body, faults, &out->locale);
}

void user_change_read(const struct json *body, struct str document, struct faults *faults,
	struct user_change *out)
{
	*out = (struct user_change){ 0 };
	if (!json_read_top(body, faults))
		return;
	if (json_is_null(body, "display_name"))
		fault_add(faults, "display_name", "required", "It cannot be taken away.");
	out->has_display_name = json_read_name(
		body, "display_name", JSON_OPTIONAL, 1, NAME_MAX_CHARS, faults, &out->display_name);
	out->has_avatar_url = json_is_null(body, "avatar_url") ||
			      json_read_url(body, "avatar_url", JSON_OPTIONAL, URL_MAX_BYTES,
				      faults, &out->avatar_url);
	out->has_bio = json_is_null(body, "bio") || bio_read(body, faults, &out->bio);
	out->has_locale = json_is_null(body, "locale") || locale_read(body, faults, &out->locale);
	if (json_is_null(body, "settings")) {
		out->has_settings = true;
		out->settings = STR("{}");
	} else {
		out->has_settings = json_read_object(body, document, "settings", JSON_OPTIONAL,
			SETTINGS_MAX_BYTES, faults, &out->settings);
	}
}

void password_change_read(
	const struct json *body, struct faults *faults, struct password_change *out)
{
	*out = (struct password_change){ 0 };
	if (!json_read_top(body, faults))
		return;
	/* the present one may be of any length that it could once be */
	json_read_bytes(
		body, "current", JSON_REQUIRED, 1, PASSWORD_MAX_BYTES, faults, &out->current);
	json_read_bytes(body, "new", JSON_REQUIRED, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES, faults,
		&out->new);
}

void reset_read(const struct json *body, struct faults *faults, struct str *email)
{
	*email = (struct str){ NULL, 0 };
	if (json_read_top(body, faults))
		email_read(body, JSON_REQUIRED, faults, email);
}

void reset_confirm_read(const struct json *body, struct faults *faults, struct reset_confirm *out)
{
	*out = (struct reset_confirm){ 0 };
	if (!json_read_top(body, faults))
		return;
	json_read_bytes(body, "token", JSON_REQUIRED, 0, SIZE_MAX, faults, &out->token);
	json_read_bytes(body, "password", JSON_REQUIRED, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES,
		faults, &out->password);
}

void login_read(const struct json *body, struct faults *faults, struct login *out)
{
	*out = (struct login){ 0 };
	if (!json_read_top(body, faults))
		return;
	/* No rule of registering but the length: whatever is no user's is answered as a wrong
	 * password. */
	json_read_bytes(
		body, "password", JSON_REQUIRED, 1, PASSWORD_MAX_BYTES, faults, &out->password);
	if (json_get(body, "handle") != NULL && json_get(body, "email") != NULL) {
		fault_add(faults, "email", "not_allowed", "Give a handle or an email, not both.");
		return;
	}
	if (json_get(body, "email") != NULL) {
		json_read_bytes(
			body, "email", JSON_REQUIRED, 1, EMAIL_MAX_BYTES, faults, &out->email);
		return;
	}
	struct str name;
	if (!json_read_bytes(body, "handle", JSON_REQUIRED, 1, EMAIL_MAX_BYTES, faults, &name))
		return;
	/* No handle has an "@", and people type what they remember into the one field they see. */
	if (memchr(name.ptr, '@', name.len))
		out->email = name;
	else
		out->handle = name;
}

bool user_search_read(struct str text, struct faults *faults)
{
	if (text_is_blank(text))
		fault_add(faults, "q", "required", "Say what a name begins with.");
	else if (text_code_points(text) > SEARCH_MAX_CHARS)
		fault_add(faults, "q", "too_long", "It is too long.");
	else if (text_has_control(text))
		fault_add(faults, "q", "bad_format", "It must not have control characters.");
	else
		return true;
	return false;
}

/* What others may see too. */
static void profile_write(struct buf *buf, const struct user *user)
{
	json_write_key(buf, "id");
	json_write_uuid(buf, &user->id);
	json_write_key(buf, "handle");
	json_write_str(buf, user->handle);
	json_write_key(buf, "display_name");
	json_write_str(buf, user->display_name);
	json_write_key(buf, "avatar_url");
	json_write_str(buf, user->avatar_url);
	json_write_key(buf, "bio");
	json_write_str(buf, user->bio);
	json_write_key(buf, "created_at");
	json_write_time(buf, user->created_at_us);
	json_write_key(buf, "deleted");
	json_write_bool(buf, user->deleted);
}

void user_write(struct buf *buf, const struct user *user, bool own)
{
	json_write_object(buf);
	profile_write(buf, user);
	if (own) {
		json_write_key(buf, "email");
		json_write_str(buf, user->email);
		json_write_key(buf, "locale");
		json_write_str(buf, user->locale);
		json_write_key(buf, "settings");
		json_write_raw(buf, user->settings.ptr ? user->settings : STR("{}"));
	}
	json_write_object_end(buf);
}

void relation_write(struct buf *buf, const struct relation *relation, const char *key)
{
	json_write_object(buf);
	profile_write(buf, &relation->user);
	json_write_key(buf, key);
	json_write_time(buf, relation->since_us);
	json_write_object_end(buf);
}
