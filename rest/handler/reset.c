/* Forgotten passwords (web/api/openapi.yaml). The mail between the two is parley-notify's. */
#include "rest/handler/handler.h"

#include <sodium.h>

#include "lib/model/user.h"
#include "rest/guard.h"
#include "rest/reply.h"
#include "rest/turn.h"
#include "sql/store/reset.h"

enum err reset_request(struct request *req)
{
	struct str email = { NULL, 0 };
	enum err err;

	reset_read(req->json, &req->faults, &email);
	err = request_check(req);
	if (err == OK)
		err = guard_reset(req, email);
	/* nobody looks who has the address: there is nothing that the answer or its time could tell */
	if (err == OK)
		err = db_reset_request(req->db, req->arena, email);
	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err reset_confirm(struct request *req)
{
	struct reset_confirm confirm;
	uint8_t token_hash[SECRET_HASH_BYTES];
	char hash[crypto_pwhash_STRBYTES];
	enum err err;

	reset_confirm_read(req->json, &req->faults, &confirm);
	err = request_check(req);
	if (err == OK)
		err = secret_hash(confirm.token, token_hash);
	/* before the work of hashing a password, which is not for everybody to cause */
	if (err == OK)
		err = db_reset_known(req->db, req->arena, token_hash);
	if (err == OK)
		err = turn_hash(req->worker->turns, confirm.password, hash);
	if (err == OK)
		err = db_reset_confirm(req->db, req->arena, token_hash, str_of(hash));
	if (err == ERR_UNAUTHORIZED)
		req->detail = "The token is not valid, or no longer.";
	if (err == OK)
		reply_status(req, 204);
	return err;
}
