/* What files are taken for, by their first bytes: what phones and browsers send, and what must not be shown. */
#include "rest/media/sniff.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	FILE_BYTES = 4096 /* of each: its beginning, and zeros */
};

#define BYTES(literal) (literal), sizeof(literal) - 1
#define OCTETS "application/octet-stream"

static const struct {
	const char *bytes;
	size_t len;
	const char *media_type;
	bool padded, is_picture;
} rows[] = {
	{ BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1"), "image/jpeg", true, true },
	{ BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\1\0\0\0\0"), "image/png", true,
		true },
	{ BYTES("GIF89a\x28\0\x14\0"), "image/gif", true, true },
	{ BYTES("RIFF\0\1\0\0WEBPVP8 "), "image/webp", true, true },
	{ BYTES("\0\0\0\x1c"
		"ftypavif\0\0\0\0avifmif1miaf"),
		"image/avif", true, true },
	{ BYTES("\0\0\0\x1c"
		"ftypheic\0\0\0\0mif1heicmiaf"),
		"image/heic", true, true },
	{ BYTES("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0"), OCTETS, true,
		false },
	{ BYTES("II*\0\x08\0\0\0"), OCTETS, true, false },

	{ BYTES("\xff\xfb\x90\x64"), "audio/mpeg", true, false },
	{ BYTES("\xff\xf1\x50\x80\x02\x1f\xfc"), "audio/aac", true, false },
	{ BYTES("\0\0\0\x1c"
		"ftypM4A \0\0\0\0M4A mp42isom"),
		"audio/mp4", true, false },
	{ BYTES("OggS\0\2\0\0\0\0\0\0\0\0abcd\0\0\0\0efgh\1\x13OpusHead\1\2"), "audio/ogg", true,
		false },
	{ BYTES("fLaC\0\0\0\x22\x10\0\x10\0\0\0\x0e\0\x10\xcf\x0a\xc4\x42\xf0"), "audio/flac", true,
		false },
	{ BYTES("RIFF\x24\x08\0\0WAVEfmt \x10\0\0\0\1\0\1\0"), "audio/wav", true, false },
	{ BYTES("#!AMR\n"), "audio/amr", true, false },

	{ BYTES("\0\0\0\x20"
		"ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\x08"
		"free"),
		"video/mp4", true, false },
	{ BYTES("\0\0\0\x14"
		"ftypqt  \0\0\0\0qt  "),
		"video/quicktime", true, false },
	{ BYTES("\0\0\0\x18"
		"ftyp3gp4\0\0\0\0isom3gp4"),
		"video/3gpp", true, false },
	{ BYTES("\x1a\x45\xdf\xa3\1\0\0\0\0\0\0\x1f\x42\x86\x81\1\x42\xf7\x81\1\x42\xf2\x81\4\x42"
		"\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\2\x42\x85\x81\2"),
		"video/webm", true, false },

	{ BYTES("%PDF-1.7\n"), "application/pdf", true, false },
	{ BYTES("PK\3\4\x14\0\0\0\0\0"), "application/zip", true, false },
	{ BYTES("{\\rtf1\\ansi hello}"), "application/rtf", false, false },

	{ BYTES("Dear all,\n"), "text/plain", false, false },
	{ BYTES("sch\xf6n\n"), "text/plain", false, false },
	{ BYTES("a,b\n1,2\n3,4\n"), "text/plain", false, false },
	{ BYTES("{\"a\": [1, 2]}"), "text/plain", false, false },
	{ BYTES("#!/bin/sh\nexit 0\n"), "text/plain", false, false },
	{ BYTES("function f() { return 1; }\n"), "text/plain", false, false },

	{ BYTES("<!DOCTYPE html><html></html>"), OCTETS, false, false },
	{ BYTES("<b>hello</b><script>alert(1)</script>"), OCTETS, false, false },
	{ BYTES("<?xml version=\"1.0\"?><a/>"), OCTETS, false, false },
	{ BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"), OCTETS, false, false },
	{ BYTES("\x7f"
		"ELF\2\1\1"),
		OCTETS, true, false },
	{ BYTES("MZ\x90\0"), OCTETS, true, false },
	{ BYTES("\x9b\x02\x17\xe4\x88\x01"), OCTETS, false, false },
};

static void files_are_what_they_begin_with(void **state)
{
	static char file[FILE_BYTES];

	(void)state;
	assert_true(sniff_open());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sniffed sniffed;

		memset(file, 0, sizeof(file));
		memcpy(file, rows[i].bytes, rows[i].len);
		sniffed = sniff(file, rows[i].padded ? sizeof(file) : rows[i].len);
		if (strcmp(sniffed.media_type, rows[i].media_type) != 0 ||
			sniffed.is_picture != rows[i].is_picture)
			fail_msg("row %zu: %s instead of %s", i, sniffed.media_type,
				rows[i].media_type);
		/* what is not likely to be a picture is never decoded */
		assert_true(!sniffed.is_picture || sniff_picture_likely(file, sizeof(file)));
	}
	assert_false(sniff_picture_likely("%PDF-1.7", 8));
	assert_false(sniff_picture_likely("\xff\xd8", 2));
	assert_false(sniff_picture_likely("", 0));
	magic_close(cookie);
}

/* What a browser could run is in no row, whatever libmagic will say one day. */
static void nothing_in_the_table_runs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const char *type = types[i].media_type;

		if (type &&
			(strstr(type, "html") || strstr(type, "svg") || strstr(type, "script") ||
				(strstr(type, "xml") && !strstr(type, "openxml"))))
			fail_msg("%s", type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_what_they_begin_with),
		cmocka_unit_test(nothing_in_the_table_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
