/* What /health says of each state. */
#include "push/health.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BODY(status, role, database, broker, lag)                                                  \
	"{\"status\":\"" status "\",\"role\":\"" role "\",\"database\":\"" database                \
	"\",\"broker\":\"" broker "\",\"lag_bytes\":" lag "}\n"

static void each_state_has_its_answer(void **state)
{
	(void)state;
	static const struct {
		struct health health;
		int status;
		const char *body;
	} rows[] = {
		{ { STREAM_ACTIVE, true, true, 12 }, 200, BODY("ok", "active", "ok", "ok", "12") },
		{ { STREAM_ACTIVE, true, false, 12 }, 503,
			BODY("unavailable", "active", "ok", "closed", "12") },
		{ { STREAM_STANDBY, true, false, 0 }, 200, BODY("ok", "standby", "ok", "ok", "0") },
		{ { STREAM_READY, true, false, 0 }, 503,
			BODY("unavailable", "standby", "ok", "ok", "0") },
		{ { STREAM_NONE, true, false, 0 }, 503,
			BODY("unavailable", "standby", "unavailable", "ok", "0") },
		{ { STREAM_ACTIVE, false, false, 9 }, 503,
			BODY("unavailable", "active", "ok", "unavailable", "9") },
		{ { STREAM_STANDBY, false, false, 0 }, 503,
			BODY("unavailable", "standby", "ok", "unavailable", "0") },
		{ { STREAM_NONE, false, false, 0 }, 503,
			BODY("unavailable", "standby", "unavailable", "unavailable", "0") },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf = { 0 };
		int status = health_write(&buf, &rows[i].health);
		if (status != rows[i].status ||
			!str_equal((struct str){ buf.data, buf.len }, str_of(rows[i].body)))
			fail_msg("row %zu: %d %.*s", i, status, (int)buf.len, buf.data);
		buf_free(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_state_has_its_answer) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
