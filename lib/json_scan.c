/*
 * The strict scan of JSON text and the walk over scanned text; see json_scan.h.
 * Everything outside comes through here before json-c sees it: json-c alone lets through repeated
 * keys, U+0000, lone surrogates, overlong UTF-8 and more.
 */
#include "lib/json_scan.h"

#include <stdio.h>
#include <string.h>

struct span {
	uint32_t offset;
	uint32_t len;
};

struct scan {
	const char *begin;
	const char *at;
	const char *end;
	unsigned depth_left;
	unsigned nodes;
	const char *why;
	const char *where;
	/* Keys of the objects that are open, those of each in order of their bytes. */
	size_t nkeys;
	struct span keys[JSON_KEYS_MAX];
};

/*
 * The range that every client's double holds: below 10^308, and not smaller than the smallest. A
 * few bytes beyond it are an infinity, an error or thousands of digits to whoever reads them next.
 */
enum {
	NUMBER_DIGITS_MAX = 308,
	EXPONENT_MIN = -400,
	EXPONENT_FAR = 100000,
};

/* What a byte inside a string is. */
enum string_class {
	PLAIN,
	QUOTE,
	ESCAPE,
	CONTROL,
	MULTIBYTE
};

static const uint8_t string_classes[256] = {
	[0x00 ... 0x1f] = CONTROL,
	['"'] = QUOTE,
	['\\'] = ESCAPE,
	[0x80 ... 0xff] = MULTIBYTE,
};

/* Well-formed UTF-8 beyond ASCII (RFC 3629 section 4): bytes by the first, and the second's range.
 */
static const struct utf8_row {
	uint8_t first_min, first_max;
	uint8_t length;
	uint8_t second_min, second_max;
} utf8_rows[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

/* What a backslash and this letter mean; 0: nothing. 'u' is apart. */
static const char escapes[256] = {
	['"'] = '"',
	['\\'] = '\\',
	['/'] = '/',
	['b'] = '\b',
	['f'] = '\f',
	['n'] = '\n',
	['r'] = '\r',
	['t'] = '\t',
};

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static int hex_value(char byte)
{
	if (is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static bool is_high_surrogate(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The value of the escape \uXXXX at at; -1 when there is none before end. */
static int unicode_escape(const char *at, const char *end)
{
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	int unit = 0;
	for (int i = 2; i < 6; i++) {
		int digit = hex_value(at[i]);
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Bytes of the well-formed sequence at at; 0 when it is none. */
static size_t utf8_length(const char *at, const char *end)
{
	const uint8_t *bytes = (const uint8_t *)at;
	for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
		const struct utf8_row *row = &utf8_rows[i];
		if (bytes[0] < row->first_min || bytes[0] > row->first_max)
			continue;
		if (end - at < row->length)
			return 0;
		if (bytes[1] < row->second_min || bytes[1] > row->second_max)
			return 0;
		for (size_t j = 2; j < row->length; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		}
		return row->length;
	}
	return 0;
}

/* --- the scan --------------------------------------------------------------------------------- */

static bool fail(struct scan *scan, const char *where, const char *why)
{
	scan->where = where;
	scan->why = why;
	return false;
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && is_space(*scan->at))
		scan->at++;
}

static bool at_byte(const struct scan *scan, char byte)
{
	return scan->at < scan->end && *scan->at == byte;
}

static bool scan_escape(struct scan *scan)
{
	const char *at = scan->at;
	if (scan->end - at < 2)
		return fail(scan, at, "unfinished escape");
	if (at[1] != 'u') {
		if (escapes[(uint8_t)at[1]] == 0)
			return fail(scan, at, "unknown escape");
		scan->at += 2;
		return true;
	}
	int unit = unicode_escape(at, scan->end);
	if (unit < 0)
		return fail(scan, at, "bad \\u escape");
	if (unit == 0)
		return fail(scan, at, "U+0000");
	if (is_low_surrogate(unit))
		return fail(scan, at, "lone surrogate");
	scan->at += 6;
	if (is_high_surrogate(unit)) {
		if (!is_low_surrogate(unicode_escape(scan->at, scan->end)))
			return fail(scan, at, "lone surrogate");
		scan->at += 6;
	}
	return true;
}

/* From the opening quote to behind the closing one; *inside is what lies between. */
static bool scan_string(struct scan *scan, struct str *inside)
{
	const char *begin = ++scan->at;
	while (scan->at < scan->end) {
		size_t length;
		switch ((enum string_class)string_classes[(uint8_t)*scan->at]) {
		case PLAIN:
			scan->at++;
			break;
		case QUOTE:
			*inside = (struct str){ begin, (size_t)(scan->at++ - begin) };
			return true;
		case ESCAPE:
			if (!scan_escape(scan))
				return false;
			break;
		case CONTROL:
			return fail(scan, scan->at, "control character in a string");
		case MULTIBYTE:
			length = utf8_length(scan->at, scan->end);
			if (length == 0)
				return fail(scan, scan->at, "bad UTF-8");
			scan->at += length;
			break;
		}
	}
	return fail(scan, begin - 1, "unfinished string");
}

/* *count may be NULL. */
static bool scan_digits(struct scan *scan, int *count)
{
	const char *begin = scan->at;
	while (scan->at < scan->end && is_digit(*scan->at))
		scan->at++;
	if (scan->at == begin)
		return fail(scan, begin, "a digit is missing");
	if (count != NULL)
		*count = (int)(scan->at - begin);
	return true;
}

/* What follows the "e"; far beyond any range it stays at EXPONENT_FAR. */
static bool scan_exponent(struct scan *scan, int *exponent)
{
	bool negative = at_byte(scan, '-');
	if (negative || at_byte(scan, '+'))
		scan->at++;
	const char *digit = scan->at;
	if (!scan_digits(scan, NULL))
		return false;
	int value = 0;
	for (; digit < scan->at && value < EXPONENT_FAR; digit++)
		value = value * 10 + (*digit - '0');
	*exponent = negative ? -value : value;
	return true;
}

static bool scan_number(struct scan *scan)
{
	const char *begin = scan->at;
	int integer_digits, exponent = 0;
	if (at_byte(scan, '-'))
		scan->at++;
	const char *integer = scan->at;
	if (!scan_digits(scan, &integer_digits))
		return false;
	if (*integer == '0' && integer_digits > 1)
		return fail(scan, integer, "leading zero");
	if (at_byte(scan, '.')) {
		scan->at++;
		if (!scan_digits(scan, NULL))
			return false;
	}
	if (at_byte(scan, 'e') || at_byte(scan, 'E')) {
		scan->at++;
		if (!scan_exponent(scan, &exponent))
			return false;
	}
	if (integer_digits + exponent > NUMBER_DIGITS_MAX || exponent < EXPONENT_MIN)
		return fail(scan, begin, "number out of range");
	return true;
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return fail(scan, scan->at, "unknown word");
	scan->at += len;
	return true;
}

/* Puts key among those from first on, unless it is there. */
static bool key_insert(struct scan *scan, size_t first, struct str key)
{
	if (scan->nkeys == JSON_KEYS_MAX)
		return fail(scan, key.ptr - 1, "too many keys");
	size_t low = first, high = scan->nkeys;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct span *span = &scan->keys[middle];
		int order =
			json_compare(key, (struct str){ scan->begin + span->offset, span->len });
		if (order == 0)
			return fail(scan, key.ptr - 1, "duplicate key");
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	struct span *place = &scan->keys[low];
	memmove(place + 1, place, (scan->nkeys - low) * sizeof(*place));
	*place = (struct span){ (uint32_t)(key.ptr - scan->begin), (uint32_t)key.len };
	scan->nkeys++;
	return true;
}

static bool scan_value(struct scan *scan);

static bool scan_member(struct scan *scan, size_t first_key)
{
	struct str key;
	skip_space(scan);
	if (!at_byte(scan, '"'))
		return fail(scan, scan->at, "a key is missing");
	if (!scan_string(scan, &key) || !key_insert(scan, first_key, key))
		return false;
	skip_space(scan);
	if (!at_byte(scan, ':'))
		return fail(scan, scan->at, "a colon is missing");
	scan->at++;
	return scan_value(scan);
}

/* An object or array; at stands on its bracket. */
static bool scan_node(struct scan *scan)
{
	bool is_object = *scan->at == '{';
	char closing = is_object ? '}' : ']';
	size_t first_key = scan->nkeys;
	if (scan->depth_left == 0)
		return fail(scan, scan->at, "nested too deep");
	if (++scan->nodes > JSON_NODES_MAX)
		return fail(scan, scan->at, "too many objects and arrays");
	scan->depth_left--;
	scan->at++;
	skip_space(scan);
	if (!at_byte(scan, closing)) {
		for (;;) {
			if (!(is_object ? scan_member(scan, first_key) : scan_value(scan)))
				return false;
			skip_space(scan);
			if (at_byte(scan, closing))
				break;
			if (!at_byte(scan, ','))
				return fail(scan, scan->at, "a comma or bracket is missing");
			scan->at++;
		}
	}
	scan->at++;
	scan->depth_left++;
	scan->nkeys = first_key;
	return true;
}

static bool scan_value(struct scan *scan)
{
	struct str unused;
	skip_space(scan);
	if (scan->at == scan->end)
		return fail(scan, scan->at, "a value is missing");
	switch (*scan->at) {
	case '{':
	case '[':
		return scan_node(scan);
	case '"':
		return scan_string(scan, &unused);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		if (*scan->at == '-' || is_digit(*scan->at))
			return scan_number(scan);
		return fail(scan, scan->at, "a value is missing");
	}
}

static bool scan_document(struct scan *scan)
{
	if (scan->end - scan->begin > INT32_MAX)
		return fail(scan, scan->begin, "too long");
	if (!scan_value(scan))
		return false;
	skip_space(scan);
	if (scan->at != scan->end)
		return fail(scan, scan->at, "something follows the document");
	return true;
}

enum err json_scan(struct str text, unsigned max_depth, char why[JSON_WHY_BYTES])
{
	struct scan scan; /* not zeroed: most of it is room for keys */
	scan.begin = text.ptr ? text.ptr : "";
	scan.at = scan.begin;
	scan.end = scan.begin + text.len;
	scan.depth_left = max_depth < JSON_DEPTH_LIMIT ? max_depth : JSON_DEPTH_LIMIT;
	scan.nodes = 0;
	scan.nkeys = 0;
	if (scan_document(&scan))
		return OK;
	snprintf(why, JSON_WHY_BYTES, "%s at byte %td", scan.why, scan.where - scan.begin);
	return ERR_MALFORMED;
}

/* --- the walk --------------------------------------------------------------------------------- */

static void advance(struct str *rest, size_t bytes)
{
	rest->ptr += bytes;
	rest->len -= bytes;
}

/* Bytes of the string at the front of text, quotes included. */
static size_t string_length(struct str text)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] == '"')
			return i + 1;
		if (text.ptr[i] == '\\')
			i++;
	}
	return text.len;
}

static size_t node_length(struct str text)
{
	unsigned depth = 0;
	for (size_t i = 0; i < text.len;) {
		char byte = text.ptr[i];
		if (byte == '"') {
			i += string_length((struct str){ text.ptr + i, text.len - i });
			continue;
		}
		i++;
		if (byte == '{' || byte == '[')
			depth++;
		if ((byte == '}' || byte == ']') && --depth == 0)
			return i;
	}
	return text.len;
}

/* Bytes of a number or word. */
static size_t scalar_length(struct str text)
{
	size_t len = 0;
	while (len < text.len && !is_space(text.ptr[len]) && !strchr(",:]}", text.ptr[len]))
		len++;
	return len;
}

struct str json_inside(struct str value)
{
	if (value.len < 2)
		return (struct str){ value.ptr, 0 };
	return (struct str){ value.ptr + 1, value.len - 2 };
}

bool json_walk(struct str *rest, struct str *value)
{
	/* In scanned text commas and colons say nothing that the order of values does not. */
	while (rest->len > 0 && (is_space(*rest->ptr) || *rest->ptr == ',' || *rest->ptr == ':'))
		advance(rest, 1);
	if (rest->len == 0)
		return false;
	size_t len;
	if (*rest->ptr == '"')
		len = string_length(*rest);
	else if (*rest->ptr == '{' || *rest->ptr == '[')
		len = node_length(*rest);
	else
		len = scalar_length(*rest);
	if (len == 0)
		return false; /* not scanned text */
	*value = (struct str){ rest->ptr, len };
	advance(rest, len);
	return true;
}

bool json_raw(struct str text, const char *key, struct str *raw)
{
	struct str object, name, value;
	if (!json_walk(&text, &object) || object.ptr[0] != '{')
		return false;
	struct str rest = json_inside(object);
	while (json_walk(&rest, &name) && json_walk(&rest, &value)) {
		if (json_compare(json_inside(name), str_of(key)) == 0) {
			*raw = value;
			return true;
		}
	}
	return false;
}

static uint32_t escaped_char(struct str *rest)
{
	const char *end = rest->ptr + rest->len;
	if (rest->len < 2 || rest->ptr[1] != 'u') {
		uint8_t letter = rest->len < 2 ? 0 : (uint8_t)rest->ptr[1];
		advance(rest, rest->len < 2 ? rest->len : 2);
		return (uint8_t)escapes[letter];
	}
	int high = unicode_escape(rest->ptr, end);
	advance(rest, rest->len < 6 ? rest->len : 6);
	if (!is_high_surrogate(high))
		return (uint32_t)high;
	int low = unicode_escape(rest->ptr, end);
	advance(rest, rest->len < 6 ? rest->len : 6);
	return 0x10000 + (((uint32_t)high & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
}

uint32_t json_char(struct str *rest)
{
	static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint8_t first = (uint8_t)*rest->ptr;
	if (first == '\\')
		return escaped_char(rest);
	size_t length = first < 0x80 ? 1 : utf8_length(rest->ptr, rest->ptr + rest->len);
	if (length == 0)
		length = 1; /* not scanned text */
	uint32_t code_point = first & masks[length];
	for (size_t i = 1; i < length; i++)
		code_point = code_point << 6 | ((uint8_t)rest->ptr[i] & 0x3f);
	advance(rest, length);
	return code_point;
}

size_t json_char_put(uint32_t code_point, char out[4])
{
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = length - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code_point & 0x3f));
		code_point >>= 6;
	}
	out[0] = (char)(leads[length] | code_point);
	return length;
}

bool json_text(struct str raw, char *out, size_t size)
{
	if (raw.len < 2 || raw.ptr[0] != '"')
		return false;
	struct str rest = json_inside(raw);
	size_t len = 0;
	while (rest.len > 0) {
		char bytes[4];
		size_t count = json_char_put(json_char(&rest), bytes);
		if (count >= size - len)
			return false;
		memcpy(out + len, bytes, count);
		len += count;
	}
	out[len] = '\0';
	return true;
}

static bool has_escape(struct str text)
{
	return text.len > 0 && memchr(text.ptr, '\\', text.len) != NULL;
}

int json_compare(struct str a, struct str b)
{
	/* UTF-8 has the order of its code points, so both ways give the same answer. */
	if (!has_escape(a) && !has_escape(b)) {
		size_t common = a.len < b.len ? a.len : b.len;
		int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
		return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
	}
	while (a.len > 0 && b.len > 0) {
		uint32_t left = json_char(&a), right = json_char(&b);
		if (left != right)
			return left < right ? -1 : 1;
	}
	return (a.len > 0) - (b.len > 0);
}
