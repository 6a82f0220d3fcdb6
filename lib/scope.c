/* The table of scopes (scope.h). */
#include "lib/scope.h"

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
