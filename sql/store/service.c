/* Services in the database (sql/query/service.sql). Called by rest/service.c and ops/parley/{token,audit}.c. */
#include "sql/store/service.h"

#include "sql/row.h"

enum err db_service_enter(struct db *db, struct arena *arena, const struct service_request *request,
	struct service_entry *out)
{
	static const char *const names[] = { "token_id", "audit_id", "acts", "missing" };
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SERVICE_ENTER, &rows,
		P_BYTES(request->token_hash, SERVICE_HASH_BYTES), P_TEXT(str_of(request->scope)),
		P_UUID(&request->user_id), P_TEXT(str_of(request->method)),
		P_TEXT(str_of(request->route)),
		P_TEXT(uuid_array(arena, request->targets, request->ntargets)),
		P_TEXT(request->request_id), P_TEXT(request->remote_address),
		P_INT64(request->audit_ttl_s));

	if (err != OK)
		return err;
	columns_find(rows, "", names, 4, &c);
	if (row_is_null(&c, 0, 0))
		return ERR_UNAUTHORIZED;
	*out = (struct service_entry){
		.token_id = row_uuid(&c, 0, 0),
		.audit_id = row_int64(&c, 0, 1),
		.acts = row_bool(&c, 0, 2),
		.missing = row_text(&c, 0, 3),
	};
	return OK;
}

enum err db_service_answer(struct db *db, struct arena *arena, int64_t audit_id, int status)
{
	return db_run(
		db, arena, Q_SERVICE_ANSWER, NULL, P_INT64(audit_id), P_INT64((int64_t)status));
}

enum {
	TOKEN_ID,
	TOKEN_NAME,
	TOKEN_SCOPES,
	TOKEN_CREATED_AT,
	TOKEN_EXPIRES_AT,
	TOKEN_REVOKED_AT,
	TOKEN_LAST_USED_AT,
	TOKEN__MAX
};

/* All rows, on the arena. */
static struct service_token *read_tokens(struct arena *arena, const struct rows *rows)
{
	static const char *const names[TOKEN__MAX] = {
		[TOKEN_ID] = "id",
		[TOKEN_NAME] = "name",
		[TOKEN_SCOPES] = "scopes",
		[TOKEN_CREATED_AT] = "created_at",
		[TOKEN_EXPIRES_AT] = "expires_at",
		[TOKEN_REVOKED_AT] = "revoked_at",
		[TOKEN_LAST_USED_AT] = "last_used_at",
	};
	struct columns c;
	struct service_token *list = arena_calloc(arena, rows_count(rows), sizeof(*list));

	columns_find(rows, "", names, TOKEN__MAX, &c);
	for (size_t i = 0; i < rows_count(rows); i++)
		list[i] = (struct service_token){
			.id = row_uuid(&c, i, TOKEN_ID),
			.name = row_text(&c, i, TOKEN_NAME),
			.scopes = row_text(&c, i, TOKEN_SCOPES),
			.created_at_us = row_time(&c, i, TOKEN_CREATED_AT),
			.expires_at_us = row_time(&c, i, TOKEN_EXPIRES_AT),
			.revoked_at_us = row_time(&c, i, TOKEN_REVOKED_AT),
			.last_used_at_us = row_time(&c, i, TOKEN_LAST_USED_AT),
		};
	return list;
}

enum err db_service_token_create(struct db *db, struct arena *arena,
	const struct service_token *new, const uint8_t hash[SERVICE_HASH_BYTES],
	struct service_token *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SERVICE_TOKEN_CREATE, &rows, P_UUID(&new->id),
		P_TEXT(new->name), P_BYTES(hash, SERVICE_HASH_BYTES), P_TEXT(new->scopes),
		P_TIME(new->expires_at_us));

	if (err == OK)
		*out = read_tokens(arena, rows)[0];
	return err;
}

enum err db_service_token_list(struct db *db, struct arena *arena, bool ended,
	const struct cursor *cursor, size_t limit, struct service_token **out, size_t *count)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SERVICE_TOKEN_LIST, &rows, P_BOOL(ended),
		P_INT64((int64_t)limit), P_TIME(cursor->at_us), P_UUID(&cursor->id));

	if (err != OK)
		return err;
	*out = read_tokens(arena, rows);
	*count = rows_count(rows);
	return OK;
}

enum err db_service_token_revoke(struct db *db, struct arena *arena, const struct uuid *id,
	struct str name, struct service_token *out)
{
	struct rows *rows;
	enum err err = db_run(db, arena, Q_SERVICE_TOKEN_REVOKE, &rows, P_UUID(id), P_TEXT(name));

	if (err == OK && rows_count(rows) == 0)
		err = ERR_NOT_FOUND;
	if (err == OK)
		*out = read_tokens(arena, rows)[0];
	return err;
}

enum {
	AUDIT_ID,
	AUDIT_AT,
	AUDIT_TOKEN_ID,
	AUDIT_TOKEN_NAME,
	AUDIT_USER_ID,
	AUDIT_USER_HANDLE,
	AUDIT_METHOD,
	AUDIT_ROUTE,
	AUDIT_TARGETS,
	AUDIT_REQUEST_ID,
	AUDIT_REMOTE_ADDRESS,
	AUDIT_STATUS,
	AUDIT__MAX
};

static struct audit_row read_audit_row(const struct columns *c, size_t row)
{
	return (struct audit_row){
		.id = row_int64(c, row, AUDIT_ID),
		.at_us = row_time(c, row, AUDIT_AT),
		.token_id = row_uuid(c, row, AUDIT_TOKEN_ID),
		.token_name = row_text(c, row, AUDIT_TOKEN_NAME),
		.user_id = row_uuid(c, row, AUDIT_USER_ID),
		.user_handle = row_text(c, row, AUDIT_USER_HANDLE),
		.method = row_text(c, row, AUDIT_METHOD),
		.route = row_text(c, row, AUDIT_ROUTE),
		.targets = row_text(c, row, AUDIT_TARGETS),
		.request_id = row_text(c, row, AUDIT_REQUEST_ID),
		.remote_address = row_text(c, row, AUDIT_REMOTE_ADDRESS),
		.status = row_int64(c, row, AUDIT_STATUS),
	};
}

enum err db_audit_list(struct db *db, struct arena *arena, const struct audit_filter *filter,
	size_t limit, struct audit_row **out, size_t *count)
{
	static const char *const names[AUDIT__MAX] = {
		[AUDIT_ID] = "id",
		[AUDIT_AT] = "at",
		[AUDIT_TOKEN_ID] = "token_id",
		[AUDIT_TOKEN_NAME] = "token_name",
		[AUDIT_USER_ID] = "user_id",
		[AUDIT_USER_HANDLE] = "user_handle",
		[AUDIT_METHOD] = "method",
		[AUDIT_ROUTE] = "route",
		[AUDIT_TARGETS] = "targets",
		[AUDIT_REQUEST_ID] = "request_id",
		[AUDIT_REMOTE_ADDRESS] = "remote_address",
		[AUDIT_STATUS] = "status",
	};
	struct columns c;
	struct rows *rows;
	enum err err = db_run(db, arena, Q_AUDIT_LIST, &rows, P_UUID(&filter->token_id),
		P_TEXT(filter->token_name), P_UUID(&filter->user_id), P_TIME(filter->since_us),
		P_INT64((int64_t)limit),
		filter->before_id > 0 ? P_INT64(filter->before_id) : P_NULL());

	if (err != OK)
		return err;
	columns_find(rows, "", names, AUDIT__MAX, &c);
	*out = arena_calloc(arena, rows_count(rows), sizeof(**out));
	*count = rows_count(rows);
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = read_audit_row(&c, i);
	return OK;
}
