/* What a file is (sniff.h), by libmagic and a table of what may be said of one. Called by main.c. */
#include "rest/media/sniff.h"

#include <magic.h>
#include <string.h>

/* What it is called when it is nothing of the table: it is kept, and never shown. */
static const char unknown[] = "application/octet-stream";

/*
 * By what libmagic calls it: the first row that fits; a row that ends in '/' is for all that begin so. What a browser
 * would run, or read other files for, is not here, whatever it looks like: HTML, XML, SVG and scripts are bytes like any other, or
 * text.
 */
static const struct {
	const char *magic;
	const char *media_type; /* NULL: unknown */
	bool is_picture;
} types[] = {
	{ "image/jpeg", "image/jpeg", true },
	{ "image/png", "image/png", true },
	{ "image/gif", "image/gif", true },
	{ "image/webp", "image/webp", true },
	{ "image/avif", "image/avif", true },
	{ "image/heic", "image/heic", true },
	{ "image/heif", "image/heif", true },

	{ "audio/mpeg", "audio/mpeg", false },
	{ "audio/mp4", "audio/mp4", false },
	{ "audio/x-m4a", "audio/mp4", false },
	{ "audio/aac", "audio/aac", false },
	{ "audio/x-hx-aac-adts", "audio/aac", false },
	{ "audio/ogg", "audio/ogg", false },
	{ "audio/flac", "audio/flac", false },
	{ "audio/x-flac", "audio/flac", false },
	{ "audio/x-wav", "audio/wav", false },
	{ "audio/vnd.wave", "audio/wav", false },
	{ "audio/wav", "audio/wav", false },
	{ "audio/amr", "audio/amr", false },
	{ "audio/AMR", "audio/amr", false },
	{ "audio/midi", "audio/midi", false },

	{ "video/mp4", "video/mp4", false },
	{ "video/x-m4v", "video/mp4", false },
	{ "video/webm", "video/webm", false },
	{ "video/ogg", "video/ogg", false },
	{ "video/quicktime", "video/quicktime", false },
	{ "video/x-matroska", "video/matroska", false },
	{ "video/x-msvideo", "video/x-msvideo", false },
	{ "video/3gpp", "video/3gpp", false },
	{ "video/3gpp2", "video/3gpp2", false },
	{ "video/mpeg", "video/mpeg", false },

	{ "application/pdf", "application/pdf", false },
	{ "application/zip", "application/zip", false },
	{ "application/gzip", "application/gzip", false },
	{ "application/x-7z-compressed", "application/x-7z-compressed", false },
	{ "application/x-rar", "application/vnd.rar", false },
	{ "application/vnd.rar", "application/vnd.rar", false },
	{ "application/x-tar", "application/x-tar", false },
	{ "application/epub+zip", "application/epub+zip", false },
	{ "application/msword", "application/msword", false },
	{ "application/vnd.ms-excel", "application/vnd.ms-excel", false },
	{ "application/vnd.ms-powerpoint", "application/vnd.ms-powerpoint", false },
	{ "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document", false },
	{ "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false },
	{ "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		false },
	{ "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text",
		false },
	{ "application/vnd.oasis.opendocument.spreadsheet",
		"application/vnd.oasis.opendocument.spreadsheet", false },
	{ "application/vnd.oasis.opendocument.presentation",
		"application/vnd.oasis.opendocument.presentation", false },

	{ "text/html", NULL, false },
	{ "text/xml", NULL, false },
	{ "text/rtf", "application/rtf", false },
	{ "text/", "text/plain", false }, /* a table, a program, a letter */
	{ "application/json", "text/plain", false },
	{ "application/csv", "text/plain", false },
};

static magic_t cookie;

bool sniff_open(void)
{
	/* what is inside of an archive is nobody's business, and looking costs a program more */
	cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	return cookie && magic_load(cookie, NULL) == 0;
}

static bool fits(const char *row, const char *magic)
{
	size_t len = strlen(row);

	return row[len - 1] == '/' ? strncmp(row, magic, len) == 0 : strcmp(row, magic) == 0;
}

bool sniff_picture_likely(const char *head, size_t size)
{
	static const struct {
		size_t at, len;
		const char *bytes;
	} beginnings[] = {
		{ 0, 3, "\xff\xd8\xff" }, /* JPEG */
		{ 0, 4, "\x89PNG" }, { 0, 4, "GIF8" }, { 8, 4, "WEBP" },
		{ 4, 4, "ftyp" }, /* HEIF and AVIF; MP4 */
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (size >= beginnings[i].at + beginnings[i].len &&
			memcmp(head + beginnings[i].at, beginnings[i].bytes, beginnings[i].len) ==
				0)
			return true;
	}
	return false;
}

struct sniffed sniff(const void *bytes, size_t size)
{
	const char *magic = magic_buffer(cookie, bytes, size);

	for (size_t i = 0; magic && i < sizeof(types) / sizeof(types[0]); i++) {
		if (fits(types[i].magic, magic) && types[i].media_type)
			return (struct sniffed){ types[i].media_type, types[i].is_picture };
		if (fits(types[i].magic, magic))
			break;
	}
	return (struct sniffed){ unknown, false };
}
