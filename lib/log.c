/*
 * The log: builds a line on the stack and hands it out with one write, so that the lines of several
 * processes never mix. It allocates nothing and uses nothing that could log itself, so it still
 * works when memory has run out. What comes from outside cannot end a line or steer a terminal.
 * Called by everybody; the broker plugin puts a sink in.
 */
#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"
#include "lib/time.h"

enum {
	LINE_BYTES = 4096,
	/* kept free for closing a cut line: quote, note, brace, and a newline or NUL */
	TAIL_BYTES = sizeof("\",\"truncated\":true}\n"),
	REQUEST_ID_BYTES = 129,
};

struct line {
	size_t len;
	bool truncated;
	char text[LINE_BYTES];
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

/* What log_open and its like have set: the one state of the library (rule 14). */
static struct {
	const char *program;
	enum log_level level;
	void (*sink)(enum log_level level, const char *line);
	char request_id[REQUEST_ID_BYTES];
} state = { .program = "parley", .level = LOG_LEVEL_INFO };

/* Appends all of it, or nothing when it does not fit. */
static bool line_add(struct line *line, const char *bytes, size_t len)
{
	if (line->truncated || line->len + len > LINE_BYTES - TAIL_BYTES) {
		line->truncated = true;
		return false;
	}
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
	return true;
}

static void line_add_number(struct line *line, int64_t number)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	line_add(line, digits + at, sizeof(digits) - at);
}

static bool line_add_escape(struct line *line, unsigned code_point)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u' };
	for (int i = 0; i < 4; i++)
		escape[2 + i] = hex[code_point >> (12 - 4 * i) & 15];
	return line_add(line, escape, sizeof(escape));
}

/* Bytes of the UTF-8 sequence at p; 0 when it is ill-formed. */
static size_t sequence_len(const char *p)
{
	unsigned char lead = (unsigned char)*p;
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	/* strnlen: a NUL in the middle ends the text */
	return strnlen(p, len) == len && text_is_utf8((struct str){ p, len }) ? len : 0;
}

/* The code point of a well-formed sequence of at most three bytes. */
static unsigned code_point_of(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	if (len == 1)
		return u[0];
	if (len == 2)
		return (u[0] & 31u) << 6 | (u[1] & 63u);
	return (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
}

/* One character in its escaped form; *p moves past it. False when the line is full. */
static bool line_add_character(struct line *line, const char **p)
{
	size_t len = sequence_len(*p);
	const char *start = *p;
	*p += len ? len : 1;
	if (len == 0)
		return line_add_escape(line, 0xfffd);
	if (*start == '"' || *start == '\\')
		return line_add(line, (char[]){ '\\', *start }, 2);
	/* controls and bidirectional overrides all lie below U+10000 */
	if (text_has_control((struct str){ start, len }))
		return line_add_escape(line, code_point_of(start, len));
	return line_add(line, start, len);
}

/* A quoted string; a cut one ends after a whole character and is still closed. */
static void line_add_quoted(struct line *line, const char *string)
{
	if (!line_add(line, "\"", 1))
		return;
	while (*string && line_add_character(line, &string))
		continue;
	line->text[line->len++] = '"'; /* TAIL_BYTES has room for it */
}

static void line_add_key(struct line *line, const char *key)
{
	size_t start = line->len;
	size_t len = strlen(key);
	/* room for a value's quotes or digits too, so that no key stands without a value */
	if (line->truncated || len > LINE_BYTES || start + len + 32 > LINE_BYTES - TAIL_BYTES) {
		line->truncated = true;
		return;
	}
	line_add(line, start == 0 ? "{\"" : ",\"", 2);
	line_add(line, key, len);
	line_add(line, "\":", 2);
}

static void line_add_field(struct line *line, const struct log_field *field)
{
	line_add_key(line, field->key);
	if (line->truncated)
		return;
	if (field->string)
		line_add_quoted(line, field->string);
	else
		line_add_number(line, field->number);
}

static void line_close(struct line *line)
{
	static const char note[] = ",\"truncated\":true";
	if (line->truncated) {
		memcpy(line->text + line->len, note, sizeof(note) - 1);
		line->len += sizeof(note) - 1;
	}
	line->text[line->len++] = '}';
}

static void line_send(struct line *line, enum log_level level)
{
	if (state.sink) {
		line->text[line->len] = '\0';
		state.sink(level, line->text);
		return;
	}
	line->text[line->len++] = '\n';
	ssize_t written;
	do
		written = write(STDERR_FILENO, line->text, line->len);
	while (written < 0 && errno == EINTR);
	/* where the log itself cannot be written, there is nobody to tell */
}

void log_open(const char *program, enum log_level level)
{
	state.program = program;
	state.level = level;
}

void log_sink(void (*sink)(enum log_level level, const char *line))
{
	state.sink = sink;
}

void log_set_request_id(const char *request_id)
{
	size_t len = request_id ? strlen(request_id) : 0;
	if (len > REQUEST_ID_BYTES - 1)
		len = REQUEST_ID_BYTES - 1;
	if (len > 0)
		memcpy(state.request_id, request_id, len);
	state.request_id[len] = '\0';
}

void log_write(
	enum log_level level, const char *message, int nfields, const struct log_field *fields)
{
	if (level < state.level)
		return;
	int saved_errno = errno;
	char now[TIME_TEXT_LEN + 1];
	time_format(time_now_us(), now);
	struct line line;
	line.len = 0;
	line.truncated = false;
	line_add_field(&line, &LOG_STR("time", now));
	line_add_field(&line, &LOG_STR("level", level_names[level]));
	line_add_field(&line, &LOG_STR("program", state.program));
	line_add_field(&line, &LOG_INT("pid", getpid()));
	if (state.request_id[0])
		line_add_field(&line, &LOG_STR("request_id", state.request_id));
	line_add_field(&line, &LOG_STR("message", message));
	for (int i = 0; i < nfields; i++)
		line_add_field(&line, &fields[i]);
	line_close(&line);
	line_send(&line, level);
	errno = saved_errno;
}

const char *log_errno(void)
{
	/* not strerror: its text belongs to whoever calls it next */
	const char *text = strerrordesc_np(errno);
	return text ? text : "unknown error";
}

_Noreturn void log_exit(void)
{
	exit(EXIT_FAILURE);
}
