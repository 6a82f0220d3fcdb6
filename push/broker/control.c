/*
 * Reads what parley-push publishes to the control topic, see the header. Nothing is copied and nothing
 * allocated.
 */
#include "push/broker/control.h"

enum {
	ID_BYTES = UUID_TEXT_LEN + 1
};

/* The end of the year 9999, beyond which RFC 3339 does not go. */
#define SECONDS_MAX 253402300799LL

/* Cuts the bytes up to the separator off *rest; false when it is not there. */
static bool word_cut(struct str *rest, char separator, struct str *word)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
	if (!end)
		return false;
	*word = (struct str){ rest->ptr, (size_t)(end - rest->ptr) };
	*rest = (struct str){ end + 1, rest->len - word->len - 1 };
	return true;
}

static bool number_read(struct str word, long long max, uint32_t *out)
{
	long long value;
	if (!text_parse_int(word, 0, max, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

/* How long the payload is that comes behind the head; it is never empty. */
static bool bytes_read(struct str word, struct control *out)
{
	uint32_t bytes;
	if (!number_read(word, UINT32_MAX, &bytes) || bytes == 0)
		return false;
	out->payload.len = bytes;
	return true;
}

/* "<topic name> <qos> <expiry_s> <bytes>" */
static bool deliver_read(struct str line, struct control *out)
{
	struct str name, qos, expiry;
	uint32_t qos_value;
	if (!word_cut(&line, ' ', &name) || !word_cut(&line, ' ', &qos) ||
		!word_cut(&line, ' ', &expiry))
		return false;
	out->topic = topic_name_of(name);
	if (out->topic == TOPIC__MAX || !number_read(qos, 1, &qos_value))
		return false;
	out->qos = (int)qos_value;
	return number_read(expiry, UINT32_MAX, &out->expiry_s) && bytes_read(line, out);
}

static bool id_ok(const char *line)
{
	struct uuid id;
	char canonical[UUID_TEXT_LEN + 1];
	struct str text = { line, UUID_TEXT_LEN };
	if (line[UUID_TEXT_LEN] != '\n' || uuid_parse(text, &id) != OK)
		return false;
	uuid_format(&id, canonical);
	return memcmp(canonical, line, UUID_TEXT_LEN) == 0;
}

/* "<window_ms> <bytes>" */
static bool resync_read(struct str line, struct control *out)
{
	struct str window;
	return word_cut(&line, ' ', &window) && number_read(window, UINT32_MAX, &out->window_ms) &&
	       bytes_read(line, out);
}

/* "<until_s>" */
static bool revoke_read(struct str line, struct control *out)
{
	long long value;
	if (!text_parse_int(line, 0, SECONDS_MAX, &value))
		return false;
	out->until_s = value;
	return true;
}

/* "<bytes>" */
static bool keys_read(struct str line, struct control *out)
{
	return bytes_read(line, out);
}

/* Nothing follows the verb. */
static bool bare_read(struct str line, struct control *out)
{
	(void)out;
	return line.len == 0;
}

/* What follows each verb. */
static const struct verb_row {
	struct str head; /* with the blank before what read takes */
	bool (*read)(struct str line, struct control *out);
	size_t ids_by; /* lines of ids follow, so many to a thing; 0: none */
} verbs[] = {
	[CONTROL_DELIVER] = { { "deliver ", 8 }, deliver_read, 1 },
	[CONTROL_RESYNC] = { { "resync ", 7 }, resync_read, 0 },
	[CONTROL_REVOKE] = { { "revoke ", 7 }, revoke_read, 1 },
	[CONTROL_BAR] = { { "bar", 3 }, bare_read, 1 },
	[CONTROL_UNBAR] = { { "unbar", 5 }, bare_read, 1 },
	[CONTROL_BLOCK] = { { "block", 5 }, bare_read, 2 },
	[CONTROL_UNBLOCK] = { { "unblock", 7 }, bare_read, 2 },
	[CONTROL_KEYS] = { { "keys ", 5 }, keys_read, 0 },
	[CONTROL_KNOWN] = { { "known", 5 }, bare_read, 1 },
	[CONTROL_ANEW] = { { "anew", 4 }, bare_read, 0 },
	[CONTROL_OPEN] = { { "open", 4 }, bare_read, 0 },
};
enum {
	NVERBS = sizeof(verbs) / sizeof(verbs[0])
};

/* Lines of ids, up to the empty line. */
static bool ids_read(struct str *rest, struct control *out)
{
	const char *begin = rest->ptr;
	size_t count = 0;
	while (rest->len > 0 && rest->ptr[0] != '\n') {
		if (count == CONTROL_RECIPIENTS_MAX || rest->len < ID_BYTES || !id_ok(rest->ptr))
			return false;
		rest->ptr += ID_BYTES;
		rest->len -= ID_BYTES;
		count++;
	}
	out->ids = (struct str){ begin, count * ID_BYTES };
	out->nids = count;
	return true;
}

bool control_id(struct str *ids, struct uuid *out)
{
	if (ids->len < ID_BYTES || uuid_parse((struct str){ ids->ptr, UUID_TEXT_LEN }, out) != OK)
		return false;
	ids->ptr += ID_BYTES;
	ids->len -= ID_BYTES;
	return true;
}

enum err control_read(struct str *text, struct control *out)
{
	struct control control = { 0 };
	struct str rest = *text, line, empty;
	if (!word_cut(&rest, '\n', &line))
		return ERR_INVALID_INPUT;
	int verb = 0;
	while (verb < NVERBS && !str_starts(line, verbs[verb].head))
		verb++;
	if (verb == NVERBS)
		return ERR_INVALID_INPUT;

	const struct verb_row *row = &verbs[verb];
	control.verb = (enum control_verb)verb;
	line = (struct str){ line.ptr + row->head.len, line.len - row->head.len };
	if (!row->read(line, &control))
		return ERR_INVALID_INPUT;
	if (row->ids_by > 0 && (!ids_read(&rest, &control) || control.nids % row->ids_by != 0))
		return ERR_INVALID_INPUT;
	if (!word_cut(&rest, '\n', &empty) || empty.len > 0 || rest.len < control.payload.len)
		return ERR_INVALID_INPUT;
	control.payload.ptr = rest.ptr;
	*text = (struct str){ rest.ptr + control.payload.len, rest.len - control.payload.len };
	*out = control;
	return OK;
}
