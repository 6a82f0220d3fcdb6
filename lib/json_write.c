/*
 * JSON out; see json_write.h. On the path of every answer: runs of bytes that need no escape are
 * copied at once, and numbers, ids and times are put together by hand.
 */
#include "lib/json_write.h"

#include <string.h>

#include "lib/time.h"

/* Bytes that a value can end with: what follows one of them in an object or array needs a comma. */
const bool json_ends_value[256] = {
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

/* Bytes that are looked at together. */
enum {
	WORD_BYTES = sizeof(uint64_t)
};
#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte))

/*
 * Does one of the eight bytes at at need an escape? Subtracting n sets the high bit of a byte that had none
 * only where the byte was below n; a byte equal to c is one that exclusive-or with c makes less than 1.
 * A borrow may set a bit too many, but only beside a right one.
 */
static bool word_needs_escape(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	uint64_t quote = word ^ EACH_BYTE('"'), backslash = word ^ EACH_BYTE('\\');
	uint64_t hits = ((word - EACH_BYTE(0x20)) & ~word) | ((quote - EACH_BYTE(1)) & ~quote) |
			((backslash - EACH_BYTE(1)) & ~backslash);
	return (hits & EACH_BYTE(0x80)) != 0;
}

/* How many bytes at the front of text need no escape. */
static size_t plain_length(struct str text)
{
	size_t len = 0;
	while (text.len - len >= WORD_BYTES && !word_needs_escape(text.ptr + len))
		len += WORD_BYTES;
	while (len < text.len && escape_letters[(uint8_t)text.ptr[len]] == 0)
		len++;
	return len;
}

static inline void room(struct buf *buf, size_t bytes)
{
	if (buf->cap - buf->len < bytes)
		buf_reserve(buf, bytes);
}

void json_write_object(struct buf *buf)
{
	json_write_comma(buf);
	buf_add_char(buf, '{');
}

void json_write_object_end(struct buf *buf)
{
	buf_add_char(buf, '}');
}

void json_write_array(struct buf *buf)
{
	json_write_comma(buf);
	buf_add_char(buf, '[');
}

void json_write_array_end(struct buf *buf)
{
	buf_add_char(buf, ']');
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
	room(buf, text.len + sizeof(",\"\""));
	json_write_comma(buf);
	buf_add_char(buf, '"');
	for (;;) {
		size_t plain = plain_length(text);
		buf_add(buf, text.ptr, plain);
		if (plain == text.len)
			break;
		escape_add(buf, (uint8_t)text.ptr[plain]);
		text = (struct str){ text.ptr + plain + 1, text.len - plain - 1 };
	}
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
	json_write_comma(buf);
	buf_add(buf, digits + at, sizeof(digits) - at);
}

void json_write_bool(struct buf *buf, bool truth)
{
	json_write_comma(buf);
	buf_add_string(buf, truth ? "true" : "false");
}

void json_write_null(struct buf *buf)
{
	json_write_comma(buf);
	buf_add(buf, "null", 4);
}

/* A quoted text of a fixed length is formatted where it is to stand; the NUL that comes with it is
 * overwritten by the quote. */
enum {
	QUOTED_BYTES = sizeof(",\"\"")
};

void json_write_uuid(struct buf *buf, const struct uuid *id)
{
	if (uuid_is_nil(id)) {
		json_write_null(buf);
		return;
	}
	room(buf, UUID_TEXT_LEN + QUOTED_BYTES);
	json_write_comma(buf);
	char *at = buf->data + buf->len;
	at[0] = '"';
	uuid_format(id, at + 1);
	at[1 + UUID_TEXT_LEN] = '"';
	buf->len += UUID_TEXT_LEN + 2;
}

void json_write_time(struct buf *buf, int64_t time_us)
{
	if (time_us == TIME_NONE) {
		json_write_null(buf);
		return;
	}
	room(buf, TIME_TEXT_LEN + QUOTED_BYTES);
	json_write_comma(buf);
	char *at = buf->data + buf->len;
	at[0] = '"';
	time_format(time_us, at + 1);
	at[1 + TIME_TEXT_LEN] = '"';
	buf->len += TIME_TEXT_LEN + 2;
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
	json_write_comma(buf);
	buf_add(buf, json.ptr, json.len);
}
