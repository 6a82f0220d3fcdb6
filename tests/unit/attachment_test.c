/* An attachment in JSON, letter by letter: sql/function/attachment.sql writes the same. */
#include "lib/model/attachment.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct attachment sample(void)
{
	struct attachment attachment = {
		.name = STR("Plan \"B\".png"),
		.media_type = STR("image/png"),
		.size = 1234,
		.width = 640,
		.height = 480,
		.thumbnail_bytes = 99,
	};

	assert_int_equal(
		uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &attachment.id), OK);
	return attachment;
}

static void expect(const struct attachment *attachment, const char *json)
{
	struct buf buf = { 0 };

	attachment_write(&buf, attachment);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data, json);
	buf_free(&buf);
}

static void a_picture_has_all(void **state)
{
	struct attachment attachment = sample();

	(void)state;
	expect(&attachment,
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"name\":\"Plan \\\"B\\\".png\","
		"\"media_type\":\"image/png\",\"size\":1234,\"width\":640,\"height\":480,"
		"\"thumbnail_url\":\"/api/v1/attachments/01890a5d-ac96-774b-bcce-b302099a8057/"
		"thumbnail\","
		"\"url\":\"/api/v1/attachments/01890a5d-ac96-774b-bcce-b302099a8057\"}");
}

static void what_is_no_picture_has_no_size_of_one(void **state)
{
	struct attachment attachment = sample();

	(void)state;
	attachment.width = attachment.height = attachment.thumbnail_bytes = 0;
	expect(&attachment,
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"name\":\"Plan \\\"B\\\".png\","
		"\"media_type\":\"image/png\",\"size\":1234,\"width\":null,\"height\":null,"
		"\"thumbnail_url\":null,"
		"\"url\":\"/api/v1/attachments/01890a5d-ac96-774b-bcce-b302099a8057\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picture_has_all),
		cmocka_unit_test(what_is_no_picture_has_no_size_of_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
