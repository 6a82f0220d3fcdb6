/* Public keys of devices, by which clients encrypt for each other (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "rest/guard.h"
#include "rest/reply.h"
#include "sql/store/device_key.h"

enum err device_key_put(struct request *req)
{
	struct device_key_new new;
	int64_t left;
	enum err err;

	device_key_new_read(req->arena, req->json, &req->faults, &new);
	err = request_check(req);
	if (err == OK)
		err = db_device_key_put(req->db, req->arena, &req->caller.user_id,
			&req->caller.session_id, &req->ids[0], &new, &left, &req->detail);
	if (err != OK)
		return err;
	device_key_write_left(req->out, left);
	reply_status(req, 200);
	return OK;
}

enum err device_key_get(struct request *req)
{
	struct device_key key;
	enum err err =
		db_device_key_own(req->db, req->arena, &req->caller.user_id, &req->ids[0], &key);

	if (err != OK)
		return err;
	device_key_write_own(req->out, &key);
	reply_status(req, 200);
	return OK;
}

/* The parameter "take"; HEAD changes nothing, and is as long as what GET would answer. */
static enum prekey_use use_read(struct request *req)
{
	struct str text;

	if (request_query(req, "take", &text) == OK && !str_equal(text, STR("true"))) {
		if (!str_equal(text, STR("false")))
			fault_add(&req->faults, "take", "bad_format", "It must be true or false.");
		return PREKEY_LEAVE;
	}
	return req->is_head ? PREKEY_PEEK : PREKEY_TAKE;
}

enum err device_key_take(struct request *req)
{
	enum prekey_use use = use_read(req);
	struct device_key *list;
	size_t count;
	enum err err = request_check(req);

	if (err == OK && use == PREKEY_TAKE)
		err = guard_prekeys(req, &req->ids[0]);
	if (err == OK)
		err = db_device_key_take(req->db, req->arena, &req->ids[0], &req->caller.user_id,
			&req->caller.session_id, use, &list, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count; i++)
		device_key_write(req->out, &list[i]);
	reply_list_end(req, NULL);
	return OK;
}
