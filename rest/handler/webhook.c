/* What an identity provider tells of its people (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/conf_identity.h"
#include "lib/json_write.h"
#include "lib/model/identity.h"
#include "lib/time.h"
#include "lib/webhook.h"
#include "rest/reply.h"
#include "sql/store/identity.h"
#include "sql/store/user.h"

/* What a provider keeps with a person may be nested deeper than a request of ours. */
enum {
	DEPTH_MAX = 32
};

/* By the names of the standard, or by those of Svix where these are missing. */
static struct webhook webhook_of(const struct request *req)
{
	struct webhook webhook = {
		.id = request_header(req, "HTTP_WEBHOOK_ID"),
		.timestamp = request_header(req, "HTTP_WEBHOOK_TIMESTAMP"),
		.signatures = request_header(req, "HTTP_WEBHOOK_SIGNATURE"),
		.body = req->document,
	};

	if (!webhook.id.ptr && !webhook.timestamp.ptr && !webhook.signatures.ptr) {
		webhook.id = request_header(req, "HTTP_SVIX_ID");
		webhook.timestamp = request_header(req, "HTTP_SVIX_TIMESTAMP");
		webhook.signatures = request_header(req, "HTTP_SVIX_SIGNATURE");
	}
	return webhook;
}

/* Erasing takes as many transactions as the account has groups, so the webhook is noted at the end: it can be sent again
 * until then, and two at once do no harm. */
static enum err person_delete(struct request *req, struct str webhook_id,
	const struct identity *identity, struct str *outcome)
{
	bool seen = false, is_new = true;
	enum err err = db_webhook_seen(req->db, req->arena, webhook_id, &seen);

	if (err == OK && !seen)
		err = db_identity_bury(req->db, req->arena, identity);
	if (err == OK && !seen)
		err = db_user_erase(req->db, req->arena, &identity->user_id,
			req->conf->erase_messages, req->conf->system_messages);
	if (err == OK && !seen)
		err = db_webhook_receive(req->db, req->arena, webhook_id, &is_new);
	if (err == OK)
		*outcome = seen || !is_new ? STR("repeated") : STR("deleted");
	return err;
}

enum err webhook_identity(struct request *req)
{
	struct webhook webhook = webhook_of(req);
	struct identity_event event;
	struct str outcome = STR("ignored");
	int64_t sent_at_s;
	enum err err = webhook_verify(str_of(req->conf->identity_webhook_secret), &webhook,
		time_now_us() / 1000000, &sent_at_s);

	if (err != OK) {
		req->detail = "The webhook's signature is missing or wrong, or it is too old.";
		return err;
	}
	err = request_parse(req, DEPTH_MAX, &req->detail);
	if (err != OK)
		return err;
	identity_event_read(req->arena, req->json, conf_webhook_issuer(req->conf), sent_at_s,
		&req->faults, &event);
	err = request_check(req);
	if (err == OK && event.kind == IDENTITY_DELETED)
		err = person_delete(req, webhook.id, &event.identity, &outcome);
	else if (err == OK && event.kind != IDENTITY_OTHER)
		err = db_identity_told(req->db, req->arena, webhook.id, &event.identity,
			event.told_at_us, &outcome);
	if (err != OK)
		return err;
	json_write_object(req->out);
	json_write_key(req->out, "outcome");
	json_write_str(req->out, outcome);
	json_write_object_end(req->out);
	reply_status(req, 200);
	return OK;
}
