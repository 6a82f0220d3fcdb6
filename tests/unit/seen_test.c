/* Which transactions a snapshot shows. */
#include "push/seen.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *snapshot;
	uint32_t xid;
	bool shown;
} rows[] = {
	{ "100:100:", 99, true },
	{ "100:100:", 100, false },
	{ "100:100:", 101, false },
	{ "100:105:100,103", 99, true },
	{ "100:105:100,103", 100, false },
	{ "100:105:100,103", 101, true },
	{ "100:105:100,103", 103, false },
	{ "100:105:100,103", 104, true },
	{ "100:105:100,103", 105, false },
	/* past 2^32: 4294967396 is 100 of the first epoch */
	{ "4294967396:4294967396:", 99, true },
	{ "4294967396:4294967396:", 100, false },
	{ "4294967396:4294967396:", 4294967290, true },
	{ "4294967290:4294967400:4294967290,4294967300", 4294967290, false },
	{ "4294967290:4294967400:4294967290,4294967300", 4294967291, true },
	{ "4294967290:4294967400:4294967290,4294967300", 4, false },
	{ "4294967290:4294967400:4294967290,4294967300", 5, true },
	{ "4294967290:4294967400:4294967290,4294967300", 104, false },
	/* not yet over the edge */
	{ "4294967290:4294967294:", 4294967293, true },
	{ "4294967290:4294967294:", 4294967295, false },
	{ "4294967290:4294967294:", 3, false },
	/* none */
	{ "", 1, false },
	{ "100", 1, false },
	{ "100:105", 1, true },
	{ "100:x:", 1, false },
	{ "100:105:100;103", 1, false },
	{ "100:105:,", 1, false },
};

static void what_is_running_or_later_is_not_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (snapshot_shows(str_of(rows[i].snapshot), rows[i].xid) != rows[i].shown)
			fail_msg("%s: %u", rows[i].snapshot, rows[i].xid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_running_or_later_is_not_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
