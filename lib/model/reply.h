/*
 * The answer to a command over MQTT (users/{me}/replies, web/api/asyncapi.yaml): what was done, with the status that
 * REST has for it, or a problem document. Either begins with the command, and the id that it was sent with.
 */
#ifndef LIB_MODEL_REPLY_H
#define LIB_MODEL_REPLY_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/fault.h"
#include "lib/id.h"

/* {"command":"send","id","conversation_id","status":201 or 200,"seq","rev","created_at"} */
struct reply_sent {
	struct uuid id;
	struct uuid conversation_id;
	bool created;
	int64_t seq;
	int64_t rev;
	int64_t created_at_us;
};
void reply_write_sent(struct buf *buf, const struct reply_sent *sent);

/* What cannot be done. id nil: none could be read, and it is left out. retry_after_s 0: left out. detail and
 * faults: as of problem_write. */
struct reply_problem {
	const char *command;
	struct uuid id;
	enum err err;
	const char *detail;
	const struct faults *faults;
	uint32_t retry_after_s;
};
void reply_write_problem(struct buf *buf, const struct reply_problem *problem);

#endif
