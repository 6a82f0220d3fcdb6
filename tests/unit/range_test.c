/* Which bytes a Range asks for. */
#include "lib/range.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	const char *header;
	uint64_t size;
	enum range_kind kind;
	uint64_t first, bytes;
} rows[] = {
	{ NULL, 100, RANGE_WHOLE, 0, 100 },
	{ "", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0-0", 100, RANGE_PART, 0, 1 },
	{ "bytes=0-", 100, RANGE_PART, 0, 100 },
	{ "bytes=0-99", 100, RANGE_PART, 0, 100 },
	{ "bytes=10-19", 100, RANGE_PART, 10, 10 },
	{ "BYTES=10-19", 100, RANGE_PART, 10, 10 },
	{ "bytes=99-", 100, RANGE_PART, 99, 1 },
	{ "bytes=99-100", 100, RANGE_PART, 99, 1 },
	{ "bytes=5-999999999999999999", 100, RANGE_PART, 5, 95 },
	{ "bytes=007-008", 100, RANGE_PART, 7, 2 },
	{ "bytes=-1", 100, RANGE_PART, 99, 1 },
	{ "bytes=-100", 100, RANGE_PART, 0, 100 },
	{ "bytes=-500", 100, RANGE_PART, 0, 100 },
	{ "bytes=4294967296-4294967297", 5000000000, RANGE_PART, 4294967296, 2 },
	{ "bytes=100-", 100, RANGE_UNSATISFIABLE, 0, 100 },
	{ "bytes=100-200", 100, RANGE_UNSATISFIABLE, 0, 100 },
	{ "bytes=-0", 100, RANGE_UNSATISFIABLE, 0, 100 },
	{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0 },
	/* what is passed over */
	{ "bytes=0-1,5-6", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0-1,", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=5-4", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=200-100", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0-9999999999999999999", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=9999999999999999999-", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=-", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes= 0-5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0 -5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0-5 ", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=+0-5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=--5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0--5", 100, RANGE_WHOLE, 0, 100 },
	{ "bytes=0x0-5", 100, RANGE_WHOLE, 0, 100 },
	{ "items=0-5", 100, RANGE_WHOLE, 0, 100 },
	{ "none", 100, RANGE_WHOLE, 0, 100 },
};

static void a_range_asks_for_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct range range;
		enum range_kind kind = range_read(str_of(rows[i].header), rows[i].size, &range);

		if (kind != rows[i].kind || range.first != rows[i].first ||
			range.bytes != rows[i].bytes)
			fail_msg("row %zu: %s: %d, %llu and %llu bytes", i, rows[i].header, kind,
				(unsigned long long)range.first, (unsigned long long)range.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_asks_for_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
