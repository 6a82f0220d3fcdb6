/* The timings that clients keep to (timings.h). Called by rest/handler/config.c and sync.c. */
#include "lib/model/timings.h"

#include "lib/json_write.h"

static const struct {
	const char *name;
	int64_t value;
} timings[] = {
	{ "typing_ms", 3000 },
	{ "typing_debounce_ms", 2000 },
	{ "presence_ms", 90000 },
	{ "keepalive_s", 60 },
};

void timings_write(struct buf *buf)
{
	json_write_object(buf);
	for (size_t i = 0; i < sizeof(timings) / sizeof(timings[0]); i++) {
		json_write_key(buf, timings[i].name);
		json_write_int(buf, timings[i].value);
	}
	json_write_object_end(buf);
}
