/* Ids made from names at an identity provider; see the header. */
#include "lib/identity.h"

#include <sodium.h>

/* What is hashed begins with one of these, so that no user's id is ever a session's. */
static const char user_tag[] = "parley user";
static const char *const session_tags[] = {
	[IDENTITY_SESSION_SID] = "parley session sid",
	[IDENTITY_SESSION_JTI] = "parley session jti",
	[IDENTITY_SESSION_TOKEN] = "parley session token",
};

/* With a NUL behind it, which no part holds: no two lists of parts are the same bytes. */
static void part_add(crypto_generichash_state *state, struct str part)
{
	crypto_generichash_update(state, (const unsigned char *)part.ptr, part.len);
	crypto_generichash_update(state, (const unsigned char *)"", 1);
}

static void parts_hash(const struct str *parts, size_t count, struct uuid *out)
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof(out->bytes));
	for (size_t i = 0; i < count; i++)
		part_add(&state, parts[i]);
	crypto_generichash_final(&state, out->bytes, sizeof(out->bytes));
	out->bytes[6] = (uint8_t)(0x80 | (out->bytes[6] & 0x0f)); /* version 8 */
	out->bytes[8] = (uint8_t)(0x80 | (out->bytes[8] & 0x3f)); /* variant of RFC 9562 */
}

void identity_user_id(struct str issuer, struct str subject, struct uuid *out)
{
	const struct str parts[] = { str_of(user_tag), issuer, subject };
	parts_hash(parts, 3, out);
}

void identity_session_id(struct str issuer, struct str subject, enum identity_session kind,
	struct str value, struct uuid *out)
{
	const struct str parts[] = { str_of(session_tags[kind]), issuer, subject, value };
	parts_hash(parts, 4, out);
}
