/* Any bytes as a record of the WAL: what is read as an event becomes a payload that is JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/model/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct buf *payload)
{
	char where[JSON_WHY_BYTES];
	if (json_scan((struct str){ payload->data, payload->len }, JSON_DEPTH_LIMIT, where) != OK) {
		fprintf(stderr, "%s: %.*s\n", where, (int)payload->len, payload->data);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct buf payload = { 0 };
	struct event event;
	const char *why = NULL;
	if (event_read(arena, (struct str){ (const char *)data, size }, &event, &why) == OK) {
		event_write(&payload, &event);
		check(&payload);
		for (size_t i = 0; i < event.nviews; i++) {
			payload.len = 0;
			event_write_view(&payload, &event, &event.views[i]);
			check(&payload);
		}
	} else if (why == NULL) {
		abort();
	}
	buf_free(&payload);
	arena_free(arena);
	return 0;
}
