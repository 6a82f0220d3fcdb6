/* THE table: every route, one row a line. `parley-rest --routes` prints it; a test fails for a row
 * without a test. */
#include "rest/handler/handler.h"
#include "rest/route.h"

#define V1 "/api/v1"
#define KIB ((size_t)1024)
#define CONVERSATION V1 "/conversations/{conversation}"
#define REACTION CONVERSATION "/messages/{message}/reactions/{emoji:text}"

/* clang-format off */
const struct route routes[] = {
	/* method pattern                                handler              guard       scope                      body           cap        tx        rate */
	{ "POST",   V1 "/auth/register",                   auth_register,       GUARD_NONE, SCOPE_NONE,                BODY_NEEDED,   16 * KIB,  TX_NONE,  RATE_REGISTER },
	{ "POST",   V1 "/auth/login",                      auth_login,          GUARD_NONE, SCOPE_NONE,                BODY_NEEDED,   16 * KIB,  TX_NONE,  RATE_LOGIN },
	{ "POST",   V1 "/auth/refresh",                    auth_refresh,        GUARD_NONE, SCOPE_NONE,                BODY_NEEDED,   4 * KIB,   TX_NONE,  RATE_REFRESH },
	{ "POST",   V1 "/auth/logout",                     auth_logout,         GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "POST",   V1 "/auth/password",                   auth_password,       GUARD_SELF, SCOPE_NONE,                BODY_NEEDED,   16 * KIB,  TX_NONE,  RATE_LOGIN },
	{ "POST",   V1 "/auth/password/reset",             reset_request,       GUARD_NONE, SCOPE_NONE,                BODY_NEEDED,   4 * KIB,   TX_NONE,  RATE_RESET },
	{ "POST",   V1 "/auth/password/reset/confirm",     reset_confirm,       GUARD_NONE, SCOPE_NONE,                BODY_NEEDED,   4 * KIB,   TX_NONE,  RATE_LOGIN },
	{ "POST",   V1 "/webhooks/identity",               webhook_identity,    GUARD_NONE, SCOPE_NONE,                BODY_RAW,      256 * KIB, TX_NONE,  RATE_WEBHOOK },
	{ "GET",    V1 "/sessions",                        session_list,        GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "DELETE", V1 "/sessions/{session}",              session_delete,      GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    V1 "/devices",                         device_list,         GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "DELETE", V1 "/devices/{device}",                device_delete,       GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "PUT",    V1 "/devices/{device}/keys",           device_key_put,      GUARD_SELF, SCOPE_NONE,                BODY_NEEDED,   32 * KIB,  TX_NONE,  RATE_WRITE },
	{ "GET",    V1 "/devices/{device}/keys",           device_key_get,      GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "GET",    V1 "/users",                           user_search,         GUARD_USER, SCOPE_USERS_READ,          BODY_NONE,     0,         TX_NONE,  RATE_SEARCH },
	{ "GET",    V1 "/users/me",                        user_own,            GUARD_USER, SCOPE_USERS_READ,          BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "PATCH",  V1 "/users/me",                        user_update,         GUARD_USER, SCOPE_USERS_WRITE,         BODY_NEEDED,   64 * KIB,  TX_NONE,  RATE_WRITE },
	{ "DELETE", V1 "/users/me",                        user_delete,         GUARD_USER, SCOPE_USERS_WRITE,         BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    V1 "/users/{user}",                    user_profile,        GUARD_USER, SCOPE_USERS_READ,          BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "GET",    V1 "/users/{user}/keys",               device_key_take,     GUARD_SELF, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_KEYS },
	{ "GET",    V1 "/contacts",                        contact_list,        GUARD_USER, SCOPE_USERS_READ,          BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "PUT",    V1 "/contacts/{user}",                 contact_put,         GUARD_USER, SCOPE_USERS_WRITE,         BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "DELETE", V1 "/contacts/{user}",                 contact_delete,      GUARD_USER, SCOPE_USERS_WRITE,         BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    V1 "/blocks",                          block_list,          GUARD_USER, SCOPE_USERS_READ,          BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "PUT",    V1 "/blocks/{user}",                   block_put,           GUARD_USER, SCOPE_USERS_WRITE,         BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "DELETE", V1 "/blocks/{user}",                   block_delete,        GUARD_USER, SCOPE_USERS_WRITE,         BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    V1 "/conversations",                   conversation_list,   GUARD_USER, SCOPE_CONVERSATIONS_READ,  BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "POST",   V1 "/conversations",                   conversation_create, GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_NEEDED,   256 * KIB, TX_WRITE, RATE_WRITE },
	{ "GET",    CONVERSATION,                          conversation_get,    GUARD_USER, SCOPE_CONVERSATIONS_READ,  BODY_NONE,     0,         TX_READ,  RATE_READ },
	{ "PATCH",  CONVERSATION,                          conversation_update, GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_NEEDED,   16 * KIB,  TX_WRITE, RATE_WRITE },
	{ "DELETE", CONVERSATION,                          conversation_delete, GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "PUT",    CONVERSATION "/members/{user}",        member_put,          GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_OPTIONAL, 4 * KIB,   TX_NONE,  RATE_WRITE },
	{ "DELETE", CONVERSATION "/members/{user}",        member_remove,       GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "PATCH",  CONVERSATION "/me",                    membership_update,   GUARD_USER, SCOPE_CONVERSATIONS_WRITE, BODY_NEEDED,   4 * KIB,   TX_NONE,  RATE_WRITE },
	{ "GET",    CONVERSATION "/messages",              message_list,        GUARD_USER, SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "POST",   CONVERSATION "/messages",              message_create,      GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_NEEDED,   256 * KIB, TX_NONE,  RATE_SEND },
	{ "GET",    CONVERSATION "/messages/{message}",    message_get,         GUARD_USER, SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "PATCH",  CONVERSATION "/messages/{message}",    message_edit,        GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_NEEDED,   256 * KIB, TX_NONE,  RATE_WRITE },
	{ "DELETE", CONVERSATION "/messages/{message}",    message_delete,      GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    CONVERSATION "/messages/{message}/versions", message_versions, GUARD_USER, SCOPE_MESSAGES_READ,    BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "PUT",    REACTION,                              reaction_put,        GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "DELETE", REACTION,                              reaction_remove,     GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_NONE,     0,         TX_NONE,  RATE_WRITE },
	{ "GET",    CONVERSATION "/messages/{message}/receipts", receipt_list, GUARD_USER, SCOPE_MESSAGES_READ,        BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "POST",   CONVERSATION "/read",                  receipt_read,        GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_OPTIONAL, 4 * KIB,   TX_NONE,  RATE_WRITE },
	{ "POST",   CONVERSATION "/delivered",             receipt_delivered,   GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_OPTIONAL, 4 * KIB,   TX_NONE,  RATE_WRITE },
	{ "POST",   V1 "/attachments",                     attachment_create,   GUARD_USER, SCOPE_MESSAGES_WRITE,      BODY_STREAM,   0,         TX_NONE,  RATE_UPLOAD },
	{ "GET",    V1 "/attachments/{attachment}",        download_content,    GUARD_USER, SCOPE_MESSAGES_READ,       BODY_FILE,     0,         TX_NONE,  RATE_READ },
	{ "GET",    V1 "/attachments/{attachment}/thumbnail", download_thumbnail, GUARD_USER, SCOPE_MESSAGES_READ,    BODY_FILE,     0,         TX_NONE,  RATE_READ },
	{ "GET",    V1 "/search/messages",                 search_messages,     GUARD_USER, SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_NONE,  RATE_SEARCH },
	{ "GET",    V1 "/unread",                          unread_get,          GUARD_USER, SCOPE_CONVERSATIONS_READ,  BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "GET",    V1 "/sync",                            sync_get,            GUARD_USER, SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_READ,  RATE_SYNC },
	{ "GET",    V1 "/config",                          config_get,          GUARD_NONE, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_NONE },
	/* the older service's, in its envelope (dropin.h) */
	{ "GET",    "/messages/conversations/{person}",    dropin_list,         GUARD_ANY,  SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_READ,  RATE_READ },
	{ "GET",    "/messages/{conversation}",            dropin_history,      GUARD_ANY,  SCOPE_MESSAGES_READ,       BODY_NONE,     0,         TX_NONE,  RATE_READ },
	{ "POST",   "/messages",                           dropin_create,       GUARD_ANY,  SCOPE_CONVERSATIONS_WRITE, BODY_NEEDED,   256 * KIB, TX_WRITE, RATE_WRITE },
	{ "POST",   "/messages/{conversation}/mark-read",  dropin_read,         GUARD_ANY,  SCOPE_MESSAGES_WRITE,      BODY_NEEDED,   4 * KIB,   TX_NONE,  RATE_WRITE },
	{ "GET",    "/health",                             health_get,          GUARD_NONE, SCOPE_NONE,                BODY_NONE,     0,         TX_NONE,  RATE_NONE },
};
/* clang-format on */

const size_t nroutes = sizeof(routes) / sizeof(routes[0]);
