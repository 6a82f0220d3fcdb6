/* Transfers: what has ended is told as it was, however late it is looked at. */
#include "push/notify/transfer.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	LIMIT_MS = 5000,
	LATER_US = (LIMIT_MS + GRACE_MS + 1000) * 1000
};

static char ca[] = "";
static const struct conf conf = { .tls_ca = ca };

static int ndone;
static CURLcode code;

static void note(struct transfer *transfer, const struct transfer_result *result, struct str body)
{
	(void)transfer, (void)body;
	ndone++;
	code = result->code;
}

static bool ready(struct transfer *transfer, CURL *easy)
{
	(void)transfer, (void)easy;
	return true;
}

/* It hangs, and has nothing to say. */
static bool hang(struct transfer *transfer, CURL *easy)
{
	(void)transfer, (void)easy;
	pause();
	return false;
}

static struct transfer transfer_of(bool (*prepare)(struct transfer *transfer, CURL *easy))
{
	return (struct transfer){
		.url = "file:///dev/null",
		.protocols = "file",
		.limit_ms = LIMIT_MS,
		.prepare = prepare,
		.done = note,
	};
}

static void one_that_has_ended_is_not_late(void **state)
{
	(void)state;
	struct transfers *transfers = transfers_new(&conf);
	struct transfer transfer = transfer_of(ready);
	assert_true(transfer_start(transfers, &transfer));
	/* whoever was to look was held up until its time was over */
	waitid(P_PID, (id_t)transfer.pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	assert_true(transfers_run(transfers, time_mono_us() + LATER_US));
	assert_int_equal(ndone, 1);
	assert_int_equal(code, CURLE_OK);
	transfers_free(transfers);
}

static void one_that_hangs_is_ended(void **state)
{
	(void)state;
	struct transfers *transfers = transfers_new(&conf);
	struct transfer transfer = transfer_of(hang);
	assert_true(transfer_start(transfers, &transfer));
	assert_false(transfers_run(transfers, time_mono_us()));
	assert_true(transfers_run(transfers, time_mono_us() + LATER_US));
	assert_int_equal(ndone, 2);
	assert_int_equal(code, CURLE_OPERATION_TIMEDOUT);
	assert_int_equal(transfer.pid, 0);
	transfers_free(transfers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_has_ended_is_not_late),
		cmocka_unit_test(one_that_hangs_is_ended),
	};
	log_open("transfer_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
