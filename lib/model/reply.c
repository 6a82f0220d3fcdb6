/* Answers to commands (reply.h). Called by push/command/. */
#include "lib/model/reply.h"

#include "lib/json_write.h"
#include "lib/model/problem.h"

void reply_write_sent(struct buf *buf, const struct reply_sent *sent)
{
	json_write_object(buf);
	json_write_key(buf, "command");
	json_write_string(buf, "send");
	json_write_key(buf, "id");
	json_write_uuid(buf, &sent->id);
	json_write_key(buf, "conversation_id");
	json_write_uuid(buf, &sent->conversation_id);
	json_write_key(buf, "status");
	json_write_int(buf, sent->created ? 201 : 200);
	json_write_key(buf, "seq");
	json_write_int(buf, sent->seq);
	json_write_key(buf, "rev");
	json_write_int(buf, sent->rev);
	json_write_key(buf, "created_at");
	json_write_time(buf, sent->created_at_us);
	json_write_object_end(buf);
}

void reply_write_problem(struct buf *buf, const struct reply_problem *problem)
{
	json_write_object(buf);
	json_write_key(buf, "command");
	json_write_string(buf, problem->command);
	if (!uuid_is_nil(&problem->id)) {
		json_write_key(buf, "id");
		json_write_uuid(buf, &problem->id);
	}
	/* a device has said nothing of its language */
	problem_write_members(
		buf, problem->err, LANGUAGE_ENGLISH, problem->detail, NULL, problem->faults);
	if (problem->retry_after_s > 0) {
		json_write_key(buf, "retry_after");
		json_write_int(buf, problem->retry_after_s);
	}
	json_write_object_end(buf);
}
