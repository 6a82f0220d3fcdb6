/*
 * multipart/form-data (multipart.h). Called by rest/upload.c.
 *
 * A delimiter begins with CR, and no boundary has one in it: when a match breaks off, what matched is content, and the only place
 * where another match may begin is the byte that broke it.
 */
#include "lib/multipart.h"

#include <string.h>

#include "lib/filename.h"

static struct str media_type_of(struct str content_type)
{
	const char *semicolon =
		content_type.len > 0 ? memchr(content_type.ptr, ';', content_type.len) : NULL;

	if (semicolon)
		content_type.len = (size_t)(semicolon - content_type.ptr);
	return str_trim(content_type);
}

bool multipart_is(struct str content_type)
{
	return str_equal_nocase(media_type_of(content_type), STR("multipart/form-data"));
}

/* bchars of RFC 2046 section 5.1.1; it does not end in a blank. */
static bool is_boundary(struct str text)
{
	if (text.len == 0 || text.len > MULTIPART_BOUNDARY_MAX || text.ptr[text.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || !strchr("'()+_,-./:=? ", c)))
			return false;
	}
	return true;
}

enum err multipart_begin(struct arena *arena, struct str content_type,
	const struct multipart_sink *sink, struct multipart *out)
{
	struct str boundary;

	if (header_parameter(arena, content_type, "boundary", &boundary) != OK ||
		!is_boundary(boundary))
		return ERR_MALFORMED;
	*out = (struct multipart){
		.sink = *sink,
		.state = MULTIPART_PREAMBLE,
		.delimiter = { '\r', '\n', '-', '-' },
		.delimiter_len = 4 + boundary.len,
		.matched = 2, /* the first stands at the beginning, without a CRLF */
	};
	memcpy(out->delimiter + 4, boundary.ptr, boundary.len);
	return OK;
}

/* Content of a part; what stands before the first part is nothing. */
static enum err tell(struct multipart *parts, struct str piece)
{
	if (parts->state != MULTIPART_CONTENT || piece.len == 0)
		return OK;
	return parts->sink.content(parts->sink.context, piece);
}

/* Up to the next delimiter, or all of it. */
static enum err take_content(struct multipart *parts, struct str *rest)
{
	enum err err;

	while (rest->len > 0 && parts->matched < parts->delimiter_len) {
		const char *at;
		size_t len;

		if (rest->ptr[0] == parts->delimiter[parts->matched]) {
			parts->matched++;
			rest->ptr++;
			rest->len--;
			continue;
		}
		err = tell(parts, (struct str){ parts->delimiter, parts->matched });
		if (err != OK)
			return err;
		parts->matched = 0;
		at = memchr(rest->ptr, '\r', rest->len);
		len = at ? (size_t)(at - rest->ptr) : rest->len;
		err = tell(parts, (struct str){ rest->ptr, len });
		if (err != OK)
			return err;
		rest->ptr += len;
		rest->len -= len;
	}
	if (parts->matched < parts->delimiter_len)
		return OK;
	parts->matched = 0;
	err = parts->state == MULTIPART_CONTENT ? parts->sink.end(parts->sink.context) : OK;
	parts->state = MULTIPART_DELIMITER;
	return err;
}

/* One byte behind a boundary. */
static enum err take_delimiter(struct multipart *parts, char c)
{
	bool first = parts->state == MULTIPART_DELIMITER;

	if (parts->state == MULTIPART_DASH) {
		parts->state = MULTIPART_EPILOGUE;
		return c == '-' ? OK : ERR_MALFORMED;
	}
	if (first && c == '-') {
		parts->state = MULTIPART_DASH;
		return OK;
	}
	if (c == ' ' || c == '\t') {
		parts->state = MULTIPART_PADDING;
		return OK;
	}
	if (c != '\r')
		return ERR_MALFORMED;
	/* the CRLF of the boundary is the one before the first line, so that no line at all is CRLF CRLF, too */
	parts->state = MULTIPART_HEAD;
	parts->head[0] = c;
	parts->head_len = 1;
	return OK;
}

/* One byte of a head. */
static enum err take_head(struct multipart *parts, char c)
{
	enum err err;

	if (parts->head_len == MULTIPART_HEAD_MAX || c == '\0')
		return ERR_MALFORMED;
	parts->head[parts->head_len++] = c;
	if (parts->head_len == 2 && c != '\n')
		return ERR_MALFORMED;
	if (parts->head_len < 4 || memcmp(parts->head + parts->head_len - 4, "\r\n\r\n", 4) != 0)
		return OK;
	err = parts->sink.head(
		parts->sink.context, (struct str){ parts->head + 2, parts->head_len - 4 });
	parts->state = MULTIPART_CONTENT;
	return err;
}

enum err multipart_feed(struct multipart *parts, struct str piece)
{
	enum err err = OK;

	while (piece.len > 0 && err == OK) {
		switch (parts->state) {
		case MULTIPART_EPILOGUE:
			return OK;
		case MULTIPART_PREAMBLE:
		case MULTIPART_CONTENT:
			err = take_content(parts, &piece);
			continue;
		case MULTIPART_HEAD:
			err = take_head(parts, piece.ptr[0]);
			break;
		case MULTIPART_DELIMITER:
		case MULTIPART_DASH:
		case MULTIPART_PADDING:
			err = take_delimiter(parts, piece.ptr[0]);
			break;
		}
		piece.ptr++;
		piece.len--;
	}
	return err;
}

enum err multipart_finish(const struct multipart *parts)
{
	return parts->state == MULTIPART_EPILOGUE ? OK : ERR_MALFORMED;
}

struct str multipart_header(struct str head, const char *name)
{
	struct str wanted = str_of(name);

	while (head.len > 0) {
		const char *end = memmem(head.ptr, head.len, "\r\n", 2);
		size_t len = end ? (size_t)(end - head.ptr) : head.len;

		if (len > wanted.len && head.ptr[wanted.len] == ':' &&
			str_equal_nocase((struct str){ head.ptr, wanted.len }, wanted))
			return str_trim(
				(struct str){ head.ptr + wanted.len + 1, len - wanted.len - 1 });
		head.ptr += end ? len + 2 : len;
		head.len -= end ? len + 2 : len;
	}
	return (struct str){ NULL, 0 };
}
