/* A person, as clients see one (web/api/openapi.yaml). */
#ifndef LIB_MODEL_USER_H
#define LIB_MODEL_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"
#include "lib/text.h"

enum {
	HANDLE_MIN = 3,
	HANDLE_MAX = 32,
	NAME_MAX_CHARS = 64, /* code points */
	PASSWORD_MIN_BYTES = 8,
	PASSWORD_MAX_BYTES = 256,
	EMAIL_MAX_BYTES = 254,
	URL_MAX_BYTES = 2048,
	BIO_MAX_CHARS = 500,
	LOCALE_MAX_BYTES = 35,
	SEARCH_MAX_CHARS = 64,
	SETTINGS_MAX_BYTES = 16384,
};

struct user {
	struct uuid id;
	struct str handle;
	struct str display_name;
	struct str avatar_url; /* none: ptr NULL, as all below */
	struct str bio;
	int64_t created_at_us;
	bool deleted;
	/* for oneself alone */
	struct str email;
	struct str locale;
	struct str settings; /* JSON */
};

/* Somebody in one's address book, or whom one has blocked. */
struct relation {
	struct user user;
	int64_t since_us;
};

/* POST /auth/register */
struct user_new {
	struct str handle;
	struct str display_name;
	struct str password;
	struct str email;
	struct str locale;
};

/* PATCH /users/me: which were sent, and what to; a sent null clears what may be empty. */
struct user_change {
	bool has_display_name, has_avatar_url, has_bio, has_locale, has_settings;
	struct str display_name, avatar_url, bio, locale, settings;
};

/* POST /auth/login */
struct login {
	struct str handle; /* handle or email: one of them is set */
	struct str email;
	struct str password;
};

/* POST /auth/password */
struct password_change {
	struct str current;
	struct str new;
};

/* POST /auth/password/reset/confirm */
struct reset_confirm {
	struct str token;
	struct str password;
};

/* What a handle and an e-mail address may be, whoever tells it. */
bool user_handle_ok(struct str text);
bool user_email_ok(struct str text);

void user_new_read(const struct json *body, struct faults *faults, struct user_new *out);
void user_change_read(const struct json *body, struct str document, struct faults *faults,
	struct user_change *out);
void login_read(const struct json *body, struct faults *faults, struct login *out);
void password_change_read(
	const struct json *body, struct faults *faults, struct password_change *out);
/* POST /auth/password/reset: the address. */
void reset_read(const struct json *body, struct faults *faults, struct str *email);
/* Whether the token is one at all is not asked here: one that is none is refused as one that is nobody's. */
void reset_confirm_read(const struct json *body, struct faults *faults, struct reset_confirm *out);

/* What people are searched by: true when it is something to search by, else a fault of the field "q". */
bool user_search_read(struct str text, struct faults *faults);

/* The profile; with own, what only the user itself may see. */
void user_write(struct buf *buf, const struct user *user, bool own);

/* The profile, and since when it is in the list, under the name of key. */
void relation_write(struct buf *buf, const struct relation *relation, const char *key);

#endif
