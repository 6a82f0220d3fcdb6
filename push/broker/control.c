/*
 * Reads what parley-push publishes to the control topic, see the header. The text is checked whole
 * before anything of it is used; nothing is copied and nothing allocated.
 */
#include "push/broker/control.h"

enum {
	RECIPIENT_BYTES = UUID_TEXT_LEN + 1
};

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

/* "<topic name> <qos> <expiry_s>" */
static bool deliver_read(struct str line, struct control *out)
{
	struct str name, qos;
	uint32_t qos_value;
	if (!word_cut(&line, ' ', &name) || !word_cut(&line, ' ', &qos))
		return false;
	out->topic = topic_name_of(name);
	if (out->topic == TOPIC__MAX || !number_read(qos, 1, &qos_value))
		return false;
	out->qos = (int)qos_value;
	return number_read(line, UINT32_MAX, &out->expiry_s);
}

static bool recipient_ok(const char *line)
{
	struct uuid id;
	char canonical[UUID_TEXT_LEN + 1];
	struct str text = { line, UUID_TEXT_LEN };
	if (line[UUID_TEXT_LEN] != '\n' || uuid_parse(text, &id) != OK)
		return false;
	uuid_format(&id, canonical);
	return memcmp(canonical, line, UUID_TEXT_LEN) == 0;
}

/* Lines of ids, up to the empty line. */
static bool recipients_read(struct str *rest, struct control *out)
{
	const char *begin = rest->ptr;
	size_t count = 0;
	while (rest->len > 0 && rest->ptr[0] != '\n') {
		if (count == CONTROL_RECIPIENTS_MAX || rest->len < RECIPIENT_BYTES ||
			!recipient_ok(rest->ptr))
			return false;
		rest->ptr += RECIPIENT_BYTES;
		rest->len -= RECIPIENT_BYTES;
		count++;
	}
	out->recipients = (struct str){ begin, count * RECIPIENT_BYTES };
	out->nrecipients = count;
	return true;
}

enum err control_read(struct str text, struct control *out)
{
	struct control control = { 0 };
	struct str rest = text, line, verb, empty;
	if (!word_cut(&rest, '\n', &line) || !word_cut(&line, ' ', &verb))
		return ERR_INVALID_INPUT;

	bool ok = false;
	if (str_equal(verb, STR("deliver"))) {
		control.verb = CONTROL_DELIVER;
		ok = deliver_read(line, &control) && recipients_read(&rest, &control);
	} else if (str_equal(verb, STR("resync"))) {
		control.verb = CONTROL_RESYNC;
		ok = number_read(line, UINT32_MAX, &control.window_ms);
	}
	/* The head ends with an empty line, and an event is never empty. */
	if (!ok || !word_cut(&rest, '\n', &empty) || empty.len > 0 || rest.len == 0)
		return ERR_INVALID_INPUT;
	control.payload = rest;
	*out = control;
	return OK;
}
