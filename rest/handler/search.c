/* Search in messages (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/model/search.h"
#include "rest/cursor.h"
#include "rest/reply.h"
#include "sql/store/search.h"

/* A parameter that is an id, which nil, that stands for none further on, is nobody's; it stays nil when it is absent. */
static void id_read(struct request *req, const char *name, struct uuid *out)
{
	struct str text;

	if (request_query(req, name, &text) == OK &&
		(uuid_parse(text, out) != OK || uuid_is_nil(out)))
		fault_add(&req->faults, name, "bad_format", "It must be a UUID.");
}

static struct message_cursor place_of(const struct message *message)
{
	return (struct message_cursor){ message->created_at_us, message->conversation_id,
		message->seq };
}

enum err search_messages(struct request *req)
{
	struct search search = { .limit = request_limit(req) };
	struct message_cursor last;
	struct search_hit *hits;
	size_t count;
	enum err err = request_query(req, "q", &search.text);

	/* what is there and cannot be read is noted already */
	if (err != ERR_INVALID_INPUT)
		search_text_read(search.text, &req->faults);
	id_read(req, "conversation", &search.conversation_id);
	id_read(req, "from", &search.sender_id);
	cursor_read_message(req, &search.cursor);
	err = request_check(req);
	if (err == OK)
		err = db_search_messages(req->db, req->arena, &req->caller.user_id, &search,
			&req->faults, &hits, &count);
	if (err != OK)
		return err;

	reply_list_begin(req);
	for (size_t i = 0; i < count && i < search.limit; i++)
		search_hit_write(req->out, &hits[i]);
	if (count > search.limit)
		last = place_of(&hits[search.limit - 1].message);
	reply_list_end(req, count > search.limit ? cursor_write_message(req->arena, &last) : NULL);
	return OK;
}
