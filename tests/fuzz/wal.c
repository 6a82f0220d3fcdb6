/* Any bytes as a frame of the replication stream: what is read and lent lies within them. */
#include <stdlib.h>

#include "push/pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str part, const char *bytes, size_t size)
{
	if (part.ptr != NULL && (part.ptr < bytes || part.ptr + part.len > bytes + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct frame frame = { 0 };
	if (frame_read((struct str){ bytes, size }, &frame) != OK)
		return 0;
	inside(frame.prefix, bytes, size);
	inside(frame.content, bytes, size);
	if (frame.kind == FRAME_MESSAGE && frame.prefix.ptr[frame.prefix.len] != '\0')
		abort();
	return 0;
}
