/*
 * Notices, written by the plugin and read by parley-push; see the header. Nothing is allocated.
 */
#include "push/broker/notice.h"

#include <string.h>

#define SEEN "seen "
#define WANTED "wanted "

static size_t part_add(char *out, size_t at, struct str part)
{
	memcpy(out + at, part.ptr, part.len);
	return at + part.len;
}

static size_t id_add(char *out, size_t at, const struct uuid *id, char behind)
{
	uuid_format(id, out + at);
	out[at + UUID_TEXT_LEN] = behind;
	return at + UUID_TEXT_LEN + 1;
}

void notice_write(const struct notice *notice, char out[NOTICE_BYTES_MAX], size_t *len)
{
	size_t at;
	if (notice->kind == NOTICE_WANTED) {
		at = part_add(out, 0, STR(WANTED));
		at = part_add(out, at, notice->issuer);
		*len = part_add(out, at, STR("\n"));
		return;
	}
	at = part_add(out, 0, STR(SEEN));
	at = id_add(out, at, &notice->user_id, ' ');
	at = id_add(out, at, &notice->session_id, '\n');
	*len = part_add(out, at, notice->claims);
}

/* "<id> <id>" */
static bool seen_read(struct str line, struct str rest, struct notice *out)
{
	out->kind = NOTICE_SEEN;
	out->claims = rest;
	return line.len == 2 * UUID_TEXT_LEN + 1 && line.ptr[UUID_TEXT_LEN] == ' ' &&
	       uuid_parse((struct str){ line.ptr, UUID_TEXT_LEN }, &out->user_id) == OK &&
	       uuid_parse((struct str){ line.ptr + UUID_TEXT_LEN + 1, UUID_TEXT_LEN },
		       &out->session_id) == OK &&
	       rest.len > 0 && rest.len <= IDP_CLAIMS_MAX;
}

static bool wanted_read(struct str line, struct str rest, struct notice *out)
{
	out->kind = NOTICE_WANTED;
	out->issuer = line;
	return line.len > 0 && line.len <= IDENTITY_ISSUER_MAX && rest.len == 0;
}

enum err notice_read(struct str text, struct notice *out)
{
	static const struct {
		struct str head;
		bool (*read)(struct str line, struct str rest, struct notice *out);
	} kinds[] = {
		{ { SEEN, sizeof(SEEN) - 1 }, seen_read },
		{ { WANTED, sizeof(WANTED) - 1 }, wanted_read },
	};
	const char *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
	if (!end)
		return ERR_INVALID_INPUT;
	struct str line = { text.ptr, (size_t)(end - text.ptr) };
	struct str rest = { end + 1, text.len - line.len - 1 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct notice notice = { 0 };
		if (!str_starts(line, kinds[i].head))
			continue;
		line.ptr += kinds[i].head.len;
		line.len -= kinds[i].head.len;
		if (!kinds[i].read(line, rest, &notice))
			return ERR_INVALID_INPUT;
		*out = notice;
		return OK;
	}
	return ERR_INVALID_INPUT;
}
