/*
 * Fuzzes what identity providers tell of people: bytes are taken as the claims of a token, as the body of a webhook, and,
 * in lines, as its secrets, headers and body. What comes of them can be written into the database.
 */
#include "lib/model/identity.h"

#include <stdlib.h>
#include <string.h>

#include "lib/identity.h"
#include "lib/model/user.h"
#include "lib/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct identity *identity)
{
	struct str name = identity->display_name;
	if (identity->subject.len == 0 || identity->subject.len > IDENTITY_SUBJECT_MAX ||
		!text_is_utf8(identity->subject))
		abort();
	if (identity->handle.ptr && !user_handle_ok(identity->handle))
		abort();
	if (identity->email.ptr && !user_email_ok(identity->email))
		abort();
	if (name.ptr && (!text_is_utf8(name) || text_code_points(name) > NAME_MAX_CHARS ||
				text_is_blank(name) || text_has_control(name)))
		abort();
	if (identity->avatar_url.ptr && identity->avatar_url.len > URL_MAX_BYTES)
		abort();
}

static void read_claims(struct arena *arena, const struct conf *conf, struct str text)
{
	static const struct uuid session = { { 1 } };
	struct identity identity;
	if (identity_claims_read(arena, conf, text, &session, &identity) == OK)
		check(&identity);
}

static void read_event(struct arena *arena, struct str text)
{
	char why[JSON_WHY_BYTES];
	const struct json *json;
	struct faults faults = { .count = 0 };
	struct identity_event event;
	if (json_parse(arena, text, 32, why, &json) != OK)
		return;
	identity_event_read(arena, json, STR("https://idp.test"), 1800000000, &faults, &event);
	if (event.kind != IDENTITY_OTHER)
		check(&event.identity);
}

static struct str line_cut(struct str *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
	struct str line = { rest->ptr, len };
	rest->ptr += end ? len + 1 : len;
	rest->len -= end ? len + 1 : len;
	return line;
}

static void verify(struct str text)
{
	struct str secrets = line_cut(&text);
	struct webhook webhook = { line_cut(&text), line_cut(&text), line_cut(&text), text };
	int64_t at_s;
	(void)webhook_secrets_ok(secrets);
	if (webhook_verify(secrets, &webhook, 1614265330, &at_s) == OK &&
		(!text_is_utf8(webhook.id) || at_s < 1614265330 - WEBHOOK_SKEW_S))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	static struct conf conf;
	struct str text = { (const char *)data, size };
	if (!arena && conf_load(NULL, &conf) != OK)
		abort();
	if (!arena)
		arena = arena_new();
	read_claims(arena, &conf, text);
	read_event(arena, text);
	verify(text);
	arena_reset(arena);
	return 0;
}
