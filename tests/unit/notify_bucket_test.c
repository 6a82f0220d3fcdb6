/* What a bucket says: the code of its XML, whatever stands around it, and nothing that is none. */
#include "push/notify/bucket.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void codes_are_found(void **state)
{
	static const struct {
		const char *text, *code;
	} rows[] = {
		{ "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Key>a</Key></Error>",
			"NoSuchKey" },
		{ "<Error>\n  <Message>No.</Message>\n  <Code>AccessDenied</Code></Error>",
			"AccessDenied" },
		{ "<Code>NoSuchKey", "NoSuchKey" }, /* cut off */
		{ "<Code>No such\nkey</Code>", "No" },
		{ "<Code>\x1b[31m</Code>", "" },
		{ "<Code>", "" },
		{ "<html>Bad Gateway</html>", "" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document document = { .len = 0 };
		char code[BUCKET_REASON_BYTES] = "";
		/* as it may come */
		for (size_t at = 0; at < strlen(rows[i].text); at++)
			assert_int_equal(document_take((char *)(uintptr_t)rows[i].text + at, 1, 1,
						 &document),
				1);
		document_code(&document, code);
		assert_string_equal(code, rows[i].code);
	}
}

static void of_a_long_document_the_beginning_is_kept(void **state)
{
	static char text[3 * DOCUMENT_BYTES];
	struct document document = { .len = 0 };
	char code[BUCKET_REASON_BYTES] = "";
	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "<Code>", 6);
	for (int i = 0; i < 3; i++)
		assert_int_equal(document_take(text, 1, sizeof(text), &document), sizeof(text));
	assert_int_equal(document.len, DOCUMENT_BYTES);
	document_code(&document, code);
	assert_string_equal(code, ""); /* it is no word */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_found),
		cmocka_unit_test(of_a_long_document_the_beginning_is_kept),
	};
	return cmocka_run_group_tests_name("notify_bucket", tests, NULL, NULL);
}
