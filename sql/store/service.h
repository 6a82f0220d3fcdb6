/* Services in the database: their tokens and the audit log. */
#ifndef SQL_STORE_SERVICE_H
#define SQL_STORE_SERVICE_H

#include "lib/service.h"
#include "sql/cursor.h"
#include "sql/db.h"

/* A request of a service, as it comes in. What is borrowed lives as long as the call. */
struct service_request {
	const uint8_t *token_hash; /* SERVICE_HASH_BYTES */
	const char *scope;	   /* what the route needs; NULL: nothing that a token has */
	struct uuid user_id;	   /* to act for; nil: nobody */
	const char *method;
	const char *route; /* its pattern */
	const struct uuid *targets;
	size_t ntargets;
	struct str request_id;
	struct str remote_address;
	int64_t audit_ttl_s;
};

struct service_entry {
	struct uuid token_id;
	int64_t audit_id;
	bool acts;	    /* it has the scope act-as */
	struct str missing; /* a scope, or "user": nobody to act for; ptr NULL: nothing */
};

/* Lets a request in, and notes it in the audit log. ERR_UNAUTHORIZED: no such token, or no longer, and nothing is noted. OK
 * also where something is missing: the refusal is noted as well. */
must_check enum err db_service_enter(struct db *db, struct arena *arena,
	const struct service_request *request, struct service_entry *out);

/* Notes what it was answered. */
must_check enum err db_service_answer(
	struct db *db, struct arena *arena, int64_t audit_id, int status);

struct service_token {
	struct uuid id;
	struct str name;
	struct str scopes; /* blanks between */
	int64_t created_at_us;
	int64_t expires_at_us, revoked_at_us, last_used_at_us; /* or TIME_NONE */
};

/* A new token of id, name, scopes and expires_at_us; *out as it is then. ERR_CONFLICT: the name is taken. */
must_check enum err db_service_token_create(struct db *db, struct arena *arena,
	const struct service_token *new, const uint8_t hash[SERVICE_HASH_BYTES],
	struct service_token *out);

/* A page, newest first. ended: also those that have. */
must_check enum err db_service_token_list(struct db *db, struct arena *arena, bool ended,
	const struct cursor *cursor, size_t limit, struct service_token **out, size_t *count);

/* Ends one by id, or, where that is nil, by name. ERR_NOT_FOUND. */
must_check enum err db_service_token_revoke(struct db *db, struct arena *arena,
	const struct uuid *id, struct str name, struct service_token *out);

/* What is asked of the audit log; each may be none. */
struct audit_filter {
	struct uuid token_id;
	struct str token_name;
	struct uuid user_id;
	int64_t since_us;
	int64_t before_id; /* of the page before; 0: the first page */
};

struct audit_row {
	int64_t id;
	int64_t at_us;
	struct uuid token_id;
	struct str token_name;
	struct uuid user_id;
	struct str user_handle;
	struct str method, route;
	struct str targets; /* ids with blanks between */
	struct str request_id, remote_address;
	int64_t status; /* 0: not known */
};

/* A page of the audit log, latest first. */
must_check enum err db_audit_list(struct db *db, struct arena *arena,
	const struct audit_filter *filter, size_t limit, struct audit_row **out, size_t *count);

#endif
