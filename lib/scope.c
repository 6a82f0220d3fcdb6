/* The table of scopes (scope.h). */
#include "lib/scope.h"

#include <stdio.h>
#include <string.h>

const struct scope_info scope_infos[SCOPE__MAX] = {
	[SCOPE_NONE] = { "-", "" },
	[SCOPE_USERS_READ] = { "users:read", "profiles, search, contacts, blocks" },
	[SCOPE_USERS_WRITE] = { "users:write", "change these, erase an account" },
	[SCOPE_CONVERSATIONS_READ] = { "conversations:read",
		"conversations, members, unread counts" },
	[SCOPE_CONVERSATIONS_WRITE] = { "conversations:write", "open and change them, members" },
	[SCOPE_MESSAGES_READ] = { "messages:read", "history, sync" },
	[SCOPE_MESSAGES_WRITE] = { "messages:write", "send, mark as delivered and read" },
	[SCOPE_ACT_AS] = { "act-as", "name the user to act for in Parley-Act-As" },
};

enum scope scope_of(struct str name)
{
	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX; i++) {
		if (str_equal(name, str_of(scope_infos[i].name)))
			return (enum scope)i;
	}
	return SCOPE_NONE;
}

/* The next name of a list; false at its end. */
static bool name_next(struct str *rest, struct str *name)
{
	static const char between[] = " ,\t";
	size_t len = 0;

	while (rest->len > 0 && memchr(between, rest->ptr[0], sizeof(between) - 1)) {
		rest->ptr++;
		rest->len--;
	}
	while (len < rest->len && !memchr(between, rest->ptr[len], sizeof(between) - 1))
		len++;
	*name = (struct str){ rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return len > 0;
}

enum err scopes_read(struct str text, char out[SCOPES_TEXT_BYTES], struct str *bad)
{
	bool given[SCOPE__MAX] = { false }, all = false;
	struct str rest = text, name;
	size_t len = 0;

	while (name_next(&rest, &name)) {
		enum scope scope = scope_of(name);

		if (str_equal(name, STR("all"))) {
			all = true;
		} else if (scope == SCOPE_NONE) {
			*bad = name;
			return ERR_INVALID_INPUT;
		}
		given[scope] = true;
	}
	for (int i = SCOPE_NONE + 1; i < SCOPE__MAX && !all; i++) {
		if (given[i])
			len += (size_t)snprintf(out + len, SCOPES_TEXT_BYTES - len, "%s%s",
				len > 0 ? " " : "", scope_infos[i].name);
	}
	if (all)
		len = (size_t)snprintf(out, SCOPES_TEXT_BYTES, "all");
	*bad = STR("");
	return len > 0 ? OK : ERR_INVALID_INPUT;
}
