/* Messages of RFC 5322 (mail.h). Called by reset.c. */
#include "push/notify/mail.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	LINE_MAX_CHARS = 76, /* of quoted-printable, RFC 2045 */
	WORD_BYTES =
		42, /* of an encoded word, which then has 56 of base64 and stays below 75, RFC 2047 */
};

/* --- headers -----------------------------------------------------------------------------------
 */

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* Encoded words, one a line; none ends within a character. */
static void write_encoded(struct buf *out, struct str text)
{
	while (text.len > 0) {
		char encoded[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
		size_t len = text.len < WORD_BYTES ? text.len : WORD_BYTES;
		while (len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
			len--;
		sodium_bin2base64(encoded, sizeof(encoded), (const unsigned char *)text.ptr, len,
			sodium_base64_VARIANT_ORIGINAL);
		buf_printf(out, "=?UTF-8?B?%s?=", encoded);
		text = (struct str){ text.ptr + len, text.len - len };
		if (text.len > 0)
			buf_add_string(out, "\r\n ");
	}
}

static void write_quoted(struct buf *out, struct str text)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text.ptr[i]);
	}
	buf_add_char(out, '"');
}

static void write_from(struct buf *out, const struct mail_sender *from)
{
	buf_add_string(out, "From: ");
	if (from->name.len > 0) {
		if (is_ascii(from->name))
			write_quoted(out, from->name);
		else
			write_encoded(out, from->name);
		buf_add_string(out, "\r\n ");
	}
	buf_printf(out, "<%.*s>\r\n", (int)from->address.len, from->address.ptr);
}

static void write_head(struct buf *out, const struct mail *mail)
{
	const char *domain = memchr(mail->from->address.ptr, '@', mail->from->address.len);
	int domain_len = (int)(mail->from->address.ptr + mail->from->address.len - domain);
	time_t now = (time_t)(mail->sent_at_us / 1000000);
	char date[40], id[UUID_TEXT_LEN + 1];
	struct tm utc;

	/* no locale is ever set: the names are English */
	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &utc);
	uuid_format(&mail->id, id);
	buf_printf(out, "Date: %s\r\n", date);
	write_from(out, mail->from);
	buf_printf(out, "To: <%.*s>\r\n", (int)mail->to.len, mail->to.ptr);
	buf_printf(out, "Subject: %s\r\n", mail->subject);
	buf_printf(out, "Message-ID: <%s%.*s>\r\n", id, domain_len, domain);
	/* RFC 3834: no machine answers it */
	buf_add_string(out, "Auto-Submitted: auto-generated\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\n");
}

/* --- the text ----------------------------------------------------------------------------------
 */

/* One line, in as many as it needs; each but the last ends in "=". */
static void write_line(struct buf *out, struct str line)
{
	size_t used = 0;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.ptr[i];
		bool last = i + 1 == line.len;
		/* a blank at the end would be lost on the way; "From " and "." at a beginning are touched by some */
		bool plain =
			c > 0x20 && c < 0x7f && c != '=' && !(used == 0 && (c == '.' || c == 'F'));
		if ((c == ' ' || c == '\t') && !last)
			plain = true;
		size_t width = plain ? 1 : 3;
		if (used + width > LINE_MAX_CHARS - (last ? 0 : 1)) {
			buf_add_string(out, "=\r\n");
			used = 0;
		}
		if (plain)
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "=%02X", c);
		used += width;
	}
	buf_add_string(out, "\r\n");
}

static void write_text(struct buf *out, struct str text)
{
	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end ? (size_t)(end - text.ptr) : text.len;
		write_line(out, (struct str){ text.ptr, len });
		text.ptr += len + (end ? 1 : 0);
		text.len -= len + (end ? 1 : 0);
	}
}

void mail_write(struct buf *out, const struct mail *mail)
{
	write_head(out, mail);
	write_text(out, mail->text);
}
