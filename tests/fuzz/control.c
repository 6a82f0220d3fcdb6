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

static void head_write(const struct control *control, char *out, size_t room)
{
	switch (control->verb) {
	case CONTROL_DELIVER:
		snprintf(out, room, "deliver %s %d %u %zu\n", topic_names[control->topic],
			control->qos, control->expiry_s, control->payload.len);
		break;
	case CONTROL_RESYNC:
		snprintf(out, room, "resync %u %zu\n", control->window_ms, control->payload.len);
		break;
	case CONTROL_REVOKE:
		snprintf(out, room, "revoke %lld\n", (long long)control->until_s);
		break;
	case CONTROL_BAR:
		snprintf(out, room, "bar\n");
		break;
	case CONTROL_UNBAR:
		snprintf(out, room, "unbar\n");
		break;
	case CONTROL_BLOCK:
		snprintf(out, room, "block\n");
		break;
	case CONTROL_UNBLOCK:
		snprintf(out, room, "unblock\n");
		break;
	case CONTROL_KEYS:
		snprintf(out, room, "keys %zu\n", control->payload.len);
		break;
	case CONTROL_KNOWN:
		snprintf(out, room, "known\n");
		break;
	case CONTROL_ANEW:
		snprintf(out, room, "anew\n");
		break;
	case CONTROL_OPEN:
		snprintf(out, room, "open\n");
		break;
	}
}

static void check(struct str text, const struct control *control)
{
	char head[96];
	head_write(control, head, sizeof(head));
	size_t len = strlen(head);
	bool has_payload = control->verb == CONTROL_DELIVER || control->verb == CONTROL_RESYNC ||
			   control->verb == CONTROL_KEYS;
	if (!head_is(text, head) || control->ids.len != control->nids * ID_BYTES ||
		control->nids > CONTROL_RECIPIENTS_MAX || (control->payload.len > 0) != has_payload)
		abort();
	if (control->payload.ptr != text.ptr + len + control->ids.len + 1 ||
		control->payload.ptr + control->payload.len != text.ptr + text.len ||
		control->payload.ptr[-1] != '\n')
		abort();
	struct str ids = control->ids;
	struct uuid id;
	size_t count = 0;
	while (control_id(&ids, &id))
		count++;
	if (count != control->nids || ids.len > 0)
		abort();
	if ((control->verb == CONTROL_BLOCK || control->verb == CONTROL_UNBLOCK) && count % 2 != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct control control;
	while (rest.len > 0) {
		struct str before = rest;
		if (control_read(&rest, &control) != OK)
			break;
		check((struct str){ before.ptr, before.len - rest.len }, &control);
	}
	return 0;
}
