/* Mail as it goes over the wire, and what no address and no name may do to it. */
#include "lib/mail_address.c"
#include "push/notify/mail.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *address;
	bool ok;
} addresses[] = {
	{ "a@b", true },
	{ "ann.o'neil+chat@mail.example.org", true },
	{ "jörg@bücher.example", true },
	{ "!#$%&'*+-/=?^_`{|}~@x.example", true },
	{ "", false },
	{ "@", false },
	{ "a@", false },
	{ "@b", false },
	{ "a", false },
	{ "a@b@c", false },
	{ ".a@b", false },
	{ "a.@b", false },
	{ "a..b@c", false },
	{ "a@.b", false },
	{ "a@b.", false },
	{ "a@b..c", false },
	{ "a b@c", false },
	{ "a@b c", false },
	{ "a@b>", false },
	{ "a,b@c", false },
	{ "a:b@c", false },
	{ "\"a b\"@c", false },
	{ "a@[127.0.0.1]", false },
	{ "a@b\r\nBcc: c@d", false },
	{ "a\r\n@b", false },
	{ "a\x7f@b", false },
	{ "a\xc2\x85@b", false },
	{ "a\xe2\x80\xae@b", false },
	{ "\xff@b", false },
	{ "0123456789012345678901234567890123456789012345678901234567890123@b", true },
	{ "01234567890123456789012345678901234567890123456789012345678901234@b", false },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (mail_address_ok(str_of(addresses[i].address)) != addresses[i].ok)
			fail_msg("%s", addresses[i].address);
	}
	char longest[ADDRESS_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	longest[1] = '@';
	assert_true(mail_address_ok((struct str){ longest, ADDRESS_MAX }));
	assert_false(mail_address_ok((struct str){ longest, ADDRESS_MAX + 1 }));
	assert_false(mail_address_ok((struct str){ NULL, 0 }));
	assert_false(mail_address_ok((struct str){ "a\0@b", 4 }));
}

static const struct {
	const char *text;
	const char *from; /* the header; NULL: refused */
} senders[] = {
	{ "a@b", "From: <a@b>\r\n" },
	{ "  a@b ", "From: <a@b>\r\n" },
	{ "<a@b>", "From: <a@b>\r\n" },
	{ "Parley <a@b>", "From: \"Parley\"\r\n <a@b>\r\n" },
	{ "\"Par\\ley\", Inc <a@b>", "From: \"\\\"Par\\\\ley\\\", Inc\"\r\n <a@b>\r\n" },
	{ "Zoë <a@b>", "From: =?UTF-8?B?Wm/Dqw==?=\r\n <a@b>\r\n" },
	/* 42 bytes a word, and no character in two of them */
	{ "xäääääääääääääääääääääx <a@b>",
		"From: =?UTF-8?B?eMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6Q=?=\r\n"
		" =?UTF-8?B?w6R4?=\r\n <a@b>\r\n" },
	{ "", NULL },
	{ "Parley", NULL },
	{ "Parley <>", NULL },
	{ "Parley <a@b", NULL },
	{ "Parley <a@b> x", NULL },
	{ "A <a@b> <c@d>", NULL },
	{ "A <a@b>, C <c@d>", NULL },
	{ "A\r\nBcc: x <a@b>", NULL },
	{ "\xff <a@b>", NULL },
};

static void test_senders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct mail_sender sender;
		struct buf out = { 0 };
		enum err err = mail_sender_read(str_of(senders[i].text), &sender);
		if ((err == OK) != (senders[i].from != NULL))
			fail_msg("%s: %d", senders[i].text, err);
		if (err != OK)
			continue;
		write_from(&out, &sender);
		buf_add_char(&out, '\0');
		assert_string_equal(out.data, senders[i].from);
		buf_free(&out);
	}
}

#define TEN "0123456789"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text;
	const char *written;
} texts[] = {
	{ "", "" },
	{ "Hello\n", "Hello\r\n" },
	{ "no end", "no end\r\n" },
	{ "two\n\nlines\n", "two\r\n\r\nlines\r\n" },
	{ "1 = 1\n", "1 =3D 1\r\n" },
	{ "ü\n", "=C3=BC\r\n" },
	{ "blank \ntab\t\n a\tb\n", "blank=20\r\ntab=09\r\n a\tb\r\n" },
	{ ".\n..\nFrom me\nin.From\n", "=2E\r\n=2E.\r\n=46rom me\r\nin.From\r\n" },
	{ "a\rb\n", "a=0Db\r\n" },
	/* 76 characters fit where the line ends there, else 75 and a mark */
	{ SEVENTY "123456\n", SEVENTY "123456\r\n" },
	{ SEVENTY "1234567\n", SEVENTY "12345=\r\n67\r\n" },
	{ SEVENTY "123ü\n", SEVENTY "123=\r\n=C3=BC\r\n" },
	{ SEVENTY "12ü\n", SEVENTY "12=C3=\r\n=BC\r\n" },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = { 0 };
		write_text(&out, str_of(texts[i].text));
		buf_add_char(&out, '\0');
		assert_string_equal(out.data, texts[i].written);
		buf_free(&out);
	}
}

static void test_whole(void **state)
{
	static const char expected[] =
		"Date: Thu, 01 Jan 1970 00:00:01 +0000\r\n"
		"From: \"Chat\"\r\n <chat@example.org>\r\n"
		"To: <ann@example.com>\r\n"
		"Subject: Hello\r\n"
		"Message-ID: <00000000-0000-0000-0000-000000000000@example.org>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"Hello Zo=C3=AB\r\n";
	struct mail_sender from;
	struct buf out = { 0 };
	(void)state;
	assert_int_equal(mail_sender_read(STR("Chat <chat@example.org>"), &from), OK);
	const struct mail mail = {
		.from = &from,
		.to = STR("ann@example.com"),
		.subject = "Hello",
		.text = STR("Hello Zoë\n"),
		.sent_at_us = 1000000,
	};
	mail_write(&out, &mail);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
