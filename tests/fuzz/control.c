/*
 * Fuzzes the reading of control messages, and holds what is accepted against the format: written again from
 * its parts, it is what came in.
 */
#include "push/broker/control.c"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool head_is(struct str text, const char *head)
{
	return str_starts(text, str_of(head));
}

static void check(struct str text, const struct control *control)
{
	char head[96];
	if (control->verb == CONTROL_RESYNC)
		snprintf(head, sizeof(head), "resync %u\n", control->window_ms);
	else
		snprintf(head, sizeof(head), "deliver %s %d %u\n", topic_names[control->topic],
			control->qos, control->expiry_s);
	size_t len = strlen(head);
	if (!head_is(text, head) ||
		control->recipients.len != control->nrecipients * RECIPIENT_BYTES ||
		control->nrecipients > CONTROL_RECIPIENTS_MAX)
		abort();
	if (control->payload.ptr != text.ptr + len + control->recipients.len + 1 ||
		control->payload.ptr + control->payload.len != text.ptr + text.len ||
		control->payload.ptr[-1] != '\n')
		abort();
	for (size_t i = 0; i < control->nrecipients; i++) {
		struct uuid id;
		struct str line = { control->recipients.ptr + i * RECIPIENT_BYTES, UUID_TEXT_LEN };
		if (uuid_parse(line, &id) != OK)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct control control;
	if (control_read(text, &control) == OK)
		check(text, &control);
	return 0;
}
