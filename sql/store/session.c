/* Sign-ins in the database (sql/query/session.sql). Called by rest/handler/auth.c. */
#include "sql/store/session.h"

enum err db_session_create(struct db *db, struct arena *arena, const struct session_new *session)
{
	return db_run(db, arena, Q_SESSION_CREATE, NULL, P_UUID(&session->user_id),
		P_UUID(&session->device.id), P_TEXT(session->device.name),
		P_TEXT(session->device.platform), P_UUID(&session->id),
		P_BYTES(session->refresh_hash, sizeof(session->refresh_hash)),
		P_INT64(session->refresh_ttl_s));
}
