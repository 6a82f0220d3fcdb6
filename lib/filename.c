/* Names of files (filename.h). Called by rest/upload.c. */
#include "lib/filename.h"

enum {
	ENDING_MAX_BYTES = 16, /* of a long name, with its dot */
	CODE_POINT_BYTES = 4
};

/* ---- parameters -------------------------------------------------------------------------------
 */

/* RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip(struct str *rest, size_t len)
{
	rest->ptr += len;
	rest->len -= len;
}

static void skip_blanks(struct str *rest)
{
	while (rest->len > 0 && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t'))
		skip(rest, 1);
}

static struct str take_token(struct str *rest)
{
	struct str token = { rest->ptr, 0 };

	while (token.len < rest->len && is_token_char(rest->ptr[token.len]))
		token.len++;
	skip(rest, token.len);
	return token;
}

/* The quoted string that rest begins with, without its quotes. A backslash that stands before anything but a quote or another one is
 * itself: some clients write C:\names so. False when it does not end. */
static bool take_quoted(struct arena *arena, struct str *rest, struct str *out)
{
	char *text = arena_alloc(arena, rest->len);
	size_t len = 0;

	for (size_t i = 1; i < rest->len; i++) {
		char c = rest->ptr[i];

		if (c == '"') {
			skip(rest, i + 1);
			*out = (struct str){ text, len };
			return true;
		}
		if (c == '\\' && i + 1 < rest->len && strchr("\"\\", rest->ptr[i + 1]))
			c = rest->ptr[++i];
		text[len++] = c;
	}
	return false;
}

/* Whatever stands between semicolons: clients write names so that are no tokens. */
static struct str take_bare(struct str *rest)
{
	const char *end = memchr(rest->ptr, ';', rest->len);
	struct str bare = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };

	skip(rest, bare.len);
	return str_trim(bare);
}

/* The next "; name=value"; *rest moves on. ERR_NOT_FOUND at the end. */
static enum err take_parameter(
	struct arena *arena, struct str *rest, struct str *name, struct str *value)
{
	skip_blanks(rest);
	while (rest->len > 0 && rest->ptr[0] == ';') {
		skip(rest, 1);
		skip_blanks(rest);
	}
	if (rest->len == 0)
		return ERR_NOT_FOUND;
	*name = take_token(rest);
	skip_blanks(rest);
	if (name->len == 0 || rest->len == 0 || rest->ptr[0] != '=')
		return ERR_MALFORMED;
	skip(rest, 1);
	skip_blanks(rest);
	if (rest->len == 0 || rest->ptr[0] != '"') {
		*value = take_bare(rest);
		return OK;
	}
	if (!take_quoted(arena, rest, value))
		return ERR_MALFORMED;
	skip_blanks(rest);
	return rest->len == 0 || rest->ptr[0] == ';' ? OK : ERR_MALFORMED;
}

enum err header_parameter(struct arena *arena, struct str header, const char *name, struct str *out)
{
	const char *semicolon = header.len > 0 ? memchr(header.ptr, ';', header.len) : NULL;
	struct str found, value, kept = { NULL, 0 };
	enum err err;

	if (!semicolon)
		return ERR_NOT_FOUND;
	skip(&header, (size_t)(semicolon - header.ptr));
	while ((err = take_parameter(arena, &header, &found, &value)) == OK) {
		if (!str_equal_nocase(found, str_of(name)))
			continue;
		if (kept.ptr)
			return ERR_MALFORMED;
		kept = value;
	}
	if (err != ERR_NOT_FOUND)
		return err;
	if (!kept.ptr)
		return ERR_NOT_FOUND;
	*out = kept;
	return OK;
}

/* ---- encodings --------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xx" at the beginning of text stands for; -1: it is none. */
static int escaped_byte(struct str text)
{
	int high = text.len >= 3 && text.ptr[0] == '%' ? hex_digit(text.ptr[1]) : -1;
	int low = high >= 0 ? hex_digit(text.ptr[2]) : -1;

	return low >= 0 ? high * 16 + low : -1;
}

/* UTF-8'language'percent-encoded */
static enum err extended_decode(struct arena *arena, struct str value, struct str *out)
{
	static const struct str charset = { "UTF-8'", 6 };
	const char *quote = value.len > charset.len
				    ? memchr(value.ptr + charset.len, '\'', value.len - charset.len)
				    : NULL;
	char *text = arena_alloc(arena, value.len);
	size_t len = 0;

	if (!quote || !str_equal_nocase((struct str){ value.ptr, charset.len }, charset))
		return ERR_INVALID_INPUT;
	skip(&value, (size_t)(quote + 1 - value.ptr));
	while (value.len > 0) {
		int byte = escaped_byte(value);

		if (byte < 0 && value.ptr[0] == '%')
			return ERR_MALFORMED;
		text[len++] = byte < 0 ? value.ptr[0] : (char)byte;
		skip(&value, byte < 0 ? 1 : 3);
	}
	*out = (struct str){ text, len };
	return OK;
}

/* What the HTML standard has browsers write into a form. */
static struct str form_decode(struct arena *arena, struct str value)
{
	char *text = arena_alloc(arena, value.len + 1);
	size_t len = 0;

	while (value.len > 0) {
		int byte = escaped_byte(value);
		bool known = byte == '"' || byte == '\r' || byte == '\n';

		text[len++] = known ? (char)byte : value.ptr[0];
		skip(&value, known ? 3 : 1);
	}
	return (struct str){ text, len };
}

/* ---- cleaning ---------------------------------------------------------------------------------
 */

static struct str last_component(struct str name)
{
	for (size_t i = name.len; i > 0; i--) {
		if (name.ptr[i - 1] == '/' || name.ptr[i - 1] == '\\')
			return (struct str){ name.ptr + i, name.len - i };
	}
	return name;
}

static size_t code_point_bytes(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : CODE_POINT_BYTES;
}

static struct str without_controls(struct arena *arena, struct str name)
{
	char *text = arena_alloc(arena, name.len + 1);
	size_t len = 0;

	while (name.len > 0) {
		struct str one = { name.ptr, code_point_bytes(name.ptr[0]) };

		if (!text_has_control(one)) {
			memcpy(text + len, one.ptr, one.len);
			len += one.len;
		}
		skip(&name, one.len);
	}
	return (struct str){ text, len };
}

/* At most max bytes of whole code points. */
static size_t fitting(struct str text, size_t max)
{
	while (max > 0 && max < text.len && ((unsigned char)text.ptr[max] & 0xc0) == 0x80)
		max--;
	return max < text.len ? max : text.len;
}

/* ".pdf"; nothing when there is none, or no short one. */
static struct str ending_of(struct str name)
{
	const char *dot = name.len > 0 ? memrchr(name.ptr, '.', name.len) : NULL;
	size_t len = dot ? (size_t)(name.ptr + name.len - dot) : 0;

	return len > ENDING_MAX_BYTES ? STR("") : (struct str){ dot ? dot : "", len };
}

static struct str shorten(struct arena *arena, struct str name)
{
	struct str ending = ending_of(name);
	size_t kept;
	char *text;

	if (name.len <= FILENAME_MAX_BYTES)
		return name;
	kept = fitting(name, FILENAME_MAX_BYTES - ending.len);
	text = arena_alloc(arena, kept + ending.len + 1);
	memcpy(text, name.ptr, kept);
	memcpy(text + kept, ending.ptr, ending.len);
	return (struct str){ text, kept + ending.len };
}

/* A name of dots alone means a directory. */
static bool is_dots(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] != '.')
			return false;
	}
	return true;
}

static enum err raw_name(struct arena *arena, struct str disposition, bool form, struct str *out)
{
	struct str value;
	enum err err = header_parameter(arena, disposition, "filename*", &value);

	if (err == OK)
		return extended_decode(arena, value, out);
	if (err == ERR_NOT_FOUND)
		err = header_parameter(arena, disposition, "filename", &value);
	if (err == OK)
		*out = form ? form_decode(arena, value) : value;
	return err;
}

enum err filename_of(struct arena *arena, struct str disposition, bool form, struct str *out)
{
	struct str name;
	enum err err = raw_name(arena, disposition, form, &name);

	if (err != OK)
		return err;
	if (!text_is_utf8(name)) /* nor has it a NUL */
		return ERR_INVALID_INPUT;
	name = str_trim(without_controls(arena, last_component(name)));
	if (text_is_blank(name) || is_dots(name))
		return ERR_NOT_FOUND;
	*out = shorten(arena, name);
	return OK;
}
