/* Sessions: the device that signs in, a refresh token read, and both in JSON. */
#include "lib/model/session.c"

#include <stdlib.h>

#include "tests/unit/faults.h"

static int arena_make(void **state)
{
	*state = arena_new();
	return 0;
}

static int arena_drop(void **state)
{
	arena_free(*state);
	return 0;
}

static void test_device(void **state)
{
	static const struct {
		const char *text;
		const char *faults;
		const char *name;
	} rows[] = {
		{ "{}", "", NULL },
		{ "{\"device\":null}", "", NULL },
		{ "{\"device\":{}}", "", NULL },
		{ "{\"device\":{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"name\":\"Phone\","
		  "\"platform\":\"ios\"}}",
			"", "Phone" },
		{ "{\"device\":\"phone\"}", "device:bad_type", NULL },
		{ "{\"device\":{\"id\":\"x\",\"name\":\"a\\nb\",\"platform\":1}}",
			"device.id:bad_format device.name:bad_format device.platform:bad_type",
			NULL },
		{ "[]", "", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct device_new device;
		device_new_read(document_parse(*state, str_of(rows[i].text)), &faults, &device);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0 ||
			(device.name.ptr == NULL) != (rows[i].name == NULL) ||
			!str_equal(device.name, str_of(rows[i].name)) ||
			uuid_is_nil(&device.id) != (rows[i].name == NULL))
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

/* Faults that were there before keep their names. */
static void test_device_after_faults(void **state)
{
	struct faults faults = { .count = 0 };
	struct device_new device;
	fault_add(&faults, "id", "required", "It is required.");
	device_new_read(document_parse(*state, STR("{\"device\":{\"id\":1}}")), &faults, &device);
	assert_string_equal(faults_line(&faults), "id:required device.id:bad_type");
}

static void test_refresh(void **state)
{
	static const struct {
		const char *text;
		const char *faults;
	} rows[] = {
		{ "{\"refresh_token\":\"x\"}", "" },
		{ "{\"refresh_token\":\"\"}", "" },
		{ "{}", "refresh_token:required" },
		{ "{\"refresh_token\":null}", "refresh_token:required" },
		{ "{\"refresh_token\":1}", "refresh_token:bad_type" },
		{ "[]", ":bad_type" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = { .count = 0 };
		struct str token;
		refresh_read(document_parse(*state, str_of(rows[i].text)), &faults, &token);
		if (strcmp(faults_line(&faults), rows[i].faults) != 0)
			fail_msg("row %zu: %s: %s", i, rows[i].text, faults_line(&faults));
	}
}

static void test_write(void **state)
{
	(void)state;
	struct buf buf = { 0 };
	struct session session = { .device.platform = STR("web"), .last_used_at_us = 1000000 };
	struct device device = { .name = STR("\"P\""), .current = true };
	assert_int_equal(uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8057"), &session.id), OK);
	assert_int_equal(
		uuid_parse(STR("01890a5d-ac96-774b-bcce-b302099a8058"), &session.device.id), OK);
	device.id = session.device.id;
	session_write(&buf, &session);
	device_write(&buf, &device);
	buf_add_char(&buf, '\0');
	assert_string_equal(buf.data,
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"device\":{"
		"\"id\":\"01890a5d-ac96-774b-bcce-b302099a8058\",\"name\":null,\"platform\":"
		"\"web\"},"
		"\"created_at\":\"1970-01-01T00:00:00.000000Z\","
		"\"last_used_at\":\"1970-01-01T00:00:01.000000Z\",\"current\":false},"
		"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8058\",\"name\":\"\\\"P\\\"\","
		"\"platform\":null,\"created_at\":\"1970-01-01T00:00:00.000000Z\","
		"\"last_used_at\":\"1970-01-01T00:00:00.000000Z\",\"current\":true}");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_device_after_faults, arena_make, arena_drop),
		cmocka_unit_test_setup_teardown(test_refresh, arena_make, arena_drop),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
