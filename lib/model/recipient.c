/* Recipients in JSON (recipient.h). Called by rest/handler/receipt.c. */
#include "lib/model/recipient.h"

#include "lib/json_write.h"

void recipient_write(struct buf *buf, const struct recipient *recipient)
{
	json_write_object(buf);
	json_write_key(buf, "user_id");
	json_write_uuid(buf, &recipient->user_id);
	json_write_key(buf, "status");
	json_write_string(buf, message_status_name(recipient->status));
	json_write_key(buf, "at");
	json_write_time(buf, recipient->at_us);
	json_write_object_end(buf);
}
