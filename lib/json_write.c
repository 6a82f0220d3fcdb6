/*
 * JSON out; see json_write.h. On the path of every answer: runs of bytes that need no escape are
 * copied at once, and numbers, ids and times are put together by hand.
 */
#include "lib/json_write.h"

#include <string.h>

#include "lib/time.h"

/* Bytes that a value can end with: what follows one of them in an object or array needs a comma. */
static const bool ends_value[256] = {
	['}'] = true,
	[']'] = true,
	['"'] = true,
	['e'] = true, /* true, false */
	['l'] = true, /* null */
	['0' ... '9'] = true,
};

/* 0: as it is; 'u': as \u00xx; else the letter after the backslash. */
static const char escape_letters[256] = {
	[0x00 ... 0x07] = 'u',
	['\b'] = 'b',
	['\t'] = 't',
	['\n'] = 'n',
	[0x0b] = 'u',
	['\f'] = 'f',
	['\r'] = 'r',
	[0x0e ... 0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
};

static void comma(struct buf *buf)
{
	if (buf->len > 0 && ends_value[(uint8_t)buf->data[buf->len - 1]])
		buf_add_char(buf, ',');
}

void json_write_object(struct buf *buf)
{
	comma(buf);
	buf_add_char(buf, '{');
}

void json_write_object_end(struct buf *buf)
{
	buf_add_char(buf, '}');
}

void json_write_array(struct buf *buf)
{
	comma(buf);
	buf_add_char(buf, '[');
}

void json_write_array_end(struct buf *buf)
{
	buf_add_char(buf, ']');
}

void json_write_key(struct buf *buf, const char *key)
{
	comma(buf);
	buf_add_char(buf, '"');
	buf_add_string(buf, key);
	buf_add(buf, "\":", 2);
}

static void escape_add(struct buf *buf, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	char letter = escape_letters[byte];
	if (letter != 'u') {
		buf_add(buf, (const char[]){ '\\', letter }, 2);
		return;
	}
	buf_add(buf, (const char[]){ '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 0xf] }, 6);
}

void json_write_str(struct buf *buf, struct str text)
{
	if (text.ptr == NULL) {
		json_write_null(buf);
		return;
	}
	comma(buf);
	buf_reserve(buf, text.len + 2);
	buf_add_char(buf, '"');
	size_t begin = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (escape_letters[(uint8_t)text.ptr[i]] == 0)
			continue;
		buf_add(buf, text.ptr + begin, i - begin);
		escape_add(buf, (uint8_t)text.ptr[i]);
		begin = i + 1;
	}
	buf_add(buf, text.ptr + begin, text.len - begin);
	buf_add_char(buf, '"');
}

void json_write_string(struct buf *buf, const char *string)
{
	json_write_str(buf, str_of(string));
}

void json_write_int(struct buf *buf, int64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	comma(buf);
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void json_write_bool(struct buf *buf, bool truth)
{
	comma(buf);
	buf_add_string(buf, truth ? "true" : "false");
}

void json_write_null(struct buf *buf)
{
	comma(buf);
	buf_add(buf, "null", 4);
}

void json_write_uuid(struct buf *buf, const struct uuid *id)
{
	if (uuid_is_nil(id)) {
		json_write_null(buf);
		return;
	}
	char text[1 + UUID_TEXT_LEN + 1];
	text[0] = '"';
	uuid_format(id, text + 1);
	text[sizeof(text) - 1] = '"';
	comma(buf);
	buf_add(buf, text, sizeof(text));
}

void json_write_time(struct buf *buf, int64_t time_us)
{
	if (time_us == TIME_NONE) {
		json_write_null(buf);
		return;
	}
	char text[1 + TIME_TEXT_LEN + 1];
	text[0] = '"';
	time_format(time_us, text + 1);
	text[sizeof(text) - 1] = '"';
	comma(buf);
	buf_add(buf, text, sizeof(text));
}

void json_write_raw(struct buf *buf, struct str json)
{
	if (json.ptr == NULL) {
		json_write_null(buf);
		return;
	}
	/* The next comma is judged by the last byte. */
	while (json.len > 0 && strchr(" \t\r\n", json.ptr[json.len - 1]))
		json.len--;
	comma(buf);
	buf_add(buf, json.ptr, json.len);
}
