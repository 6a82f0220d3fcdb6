/* Content-Disposition (disposition.h). Called by rest/handler/download.c. */
#include "lib/disposition.h"

/* Everything that is not here is saved: HTML, SVG, XML and PDF can hold scripts, and browsers learn new types. */
static const struct str inline_types[] = {
	{ "image/png", 9 },
	{ "image/jpeg", 10 },
	{ "image/gif", 9 },
	{ "image/webp", 10 },
	{ "image/avif", 10 },
	{ "image/bmp", 9 },
	{ "audio/mpeg", 10 },
	{ "audio/mp4", 9 },
	{ "audio/x-m4a", 11 },
	{ "audio/aac", 9 },
	{ "audio/ogg", 9 },
	{ "audio/opus", 10 },
	{ "audio/webm", 10 },
	{ "audio/wav", 9 },
	{ "audio/x-wav", 11 },
	{ "audio/flac", 10 },
	{ "video/mp4", 9 },
	{ "video/webm", 10 },
	{ "video/ogg", 9 },
	{ "video/quicktime", 15 },
};

/* May a browser show it in a page's place? Pictures of pixels, sound and film alone: nothing that can hold a script. */
static bool media_is_inline(struct str media_type)
{
	for (size_t i = 0; i < sizeof(inline_types) / sizeof(inline_types[0]); i++) {
		if (str_equal_nocase(media_type, inline_types[i]))
			return true;
	}
	return false;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* For who knows no filename*: a % would be decoded by some, and a quote or backslash ends or escapes. */
static void ascii_write(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c >= 0x80 && c < 0xc0) /* the rest of a code point, which has its _ */
			continue;
		buf_add_char(out, c < 0x20 || c >= 0x7f || strchr("\"\\%/", c) ? '_' : (char)c);
	}
}

/* Percent-encoded but for attr-char of RFC 8187 section 3.2.1. */
static void extended_write(struct buf *out, struct str name)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (is_alnum((char)c) || (c != 0 && strchr("!#$&+-.^_`|~", c))) {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add_char(out, '%');
		buf_add_char(out, digits[c >> 4]);
		buf_add_char(out, digits[c & 0xf]);
	}
}

void disposition_write(struct buf *out, struct str media_type, struct str name)
{
	buf_add_string(out, media_is_inline(media_type) ? "inline" : "attachment");
	buf_add_string(out, "; filename=\"");
	ascii_write(out, name);
	buf_add_string(out, "\"; filename*=UTF-8''");
	extended_write(out, name);
}
