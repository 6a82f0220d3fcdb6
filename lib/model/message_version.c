/* What a message was before it was edited (message_version.h). Called by rest/handler/change.c. */
#include "lib/model/message_version.h"

#include "lib/json_write.h"

void message_version_write(struct buf *buf, const struct message_version *version)
{
	json_write_object(buf);
	json_write_key(buf, "rev");
	json_write_int(buf, version->rev);
	json_write_key(buf, "body");
	json_write_str(buf, version->body);
	json_write_key(buf, "ciphertext");
	json_write_str(buf, version->ciphertext);
	json_write_key(buf, "metadata");
	json_write_raw(buf, version->metadata.ptr != NULL ? version->metadata : STR("{}"));
	json_write_key(buf, "at");
	json_write_time(buf, version->at_us);
	json_write_object_end(buf);
}
