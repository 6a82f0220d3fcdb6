/* From a payload to publishes: what the plugin can read, none above the broker's limit. */
#include "push/fanout.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"
#include "tests/unit/broker.h"
#include "tests/unit/chain.h"

static int client_make(void **state)
{
	struct chain *chain = calloc(1, sizeof(*chain));
	assert_non_null(chain);
	chain_make(chain);
	*state = chain;
	return 0;
}

static int client_remove(void **state)
{
	chain_free(*state);
	free(*state);
	return 0;
}

static void recipients_fit_beside_the_payload(void **state)
{
	(void)state;
	static const struct {
		size_t payload_bytes;
		size_t expected;
	} rows[] = {
		{ 0, CONTROL_RECIPIENTS_MAX },
		{ 1000, CONTROL_RECIPIENTS_MAX },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - 10 * ID_LINE_BYTES, 10 },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES - 10 * ID_LINE_BYTES + 1, 9 },
		{ PUBLISH_MAX_BYTES - HEAD_MAX_BYTES, 0 },
		{ PUBLISH_MAX_BYTES, 0 },
		{ SIZE_MAX / 2, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t max = ids_max(rows[i].payload_bytes);
		if (max != rows[i].expected)
			fail_msg("%zu: %zu", rows[i].payload_bytes, max);
	}
}

/* What the watch was told. */
struct told {
	int noted;
	int sent;
	int mid; /* of the last */
};

static void tell_noted(void *ctx)
{
	((struct told *)ctx)->noted++;
}

static void tell_sent(void *ctx, int mid)
{
	struct told *told = ctx;
	told->sent++;
	told->mid = mid;
}

static struct told *told_by(struct fanout *fanout, struct told *told)
{
	const struct fanout_watch watch = { tell_noted, tell_sent, told };
	fanout_watch(fanout, &watch);
	return told;
}

/* The next of what is collected. */
static struct control control_next(struct str *rest)
{
	struct control control;
	assert_int_equal(control_read(rest, &control), OK);
	return control;
}

static void the_plugin_reads_what_is_collected(void **state)
{
	struct chain *chain = *state;
	struct fanout *fanout = chain->fanout;
	struct uuid ids[2] = { { { 2 } }, { { 0xab } } };
	struct told told = { 0 };
	told_by(fanout, &told);
	struct delivery delivery = {
		.topic = TOPIC_RECEIPTS,
		.qos = 1,
		.expiry_s = 3,
		.recipients = ids,
		.nrecipients = 2,
		.payload = STR("{\"a\":\"\\n\"}"),
	};
	assert_int_equal(fanout_deliver(fanout, &delivery, true), OK);
	delivery.nrecipients = 1;
	assert_int_equal(fanout_deliver(fanout, &delivery, false), OK);
	fanout_revoke(fanout, 1790000000, ids, 2);
	fanout_anew(fanout);
	fanout_bar(fanout, ids, 2);
	fanout_unbar(fanout, ids + 1, 1);
	fanout_block(fanout, ids, 1);
	fanout_unblock(fanout, ids, 1);
	fanout_known(fanout, ids, 1);
	fanout_resync(fanout, 1500, STR("{}"));
	assert_int_equal(told.noted, 8);

	struct str rest = { fanout->batch.data, fanout->batch.len };
	struct control control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_DELIVER);
	assert_int_equal(control.topic, TOPIC_RECEIPTS);
	assert_int_equal(control.qos, 1);
	assert_int_equal(control.expiry_s, 3);
	assert_int_equal(control.nids, 2);
	assert_true(
		str_starts(control.ids, STR("02000000-0000-0000-0000-000000000000\nab000000-")));
	assert_true(str_equal(control.payload, delivery.payload));
	assert_int_equal(control_next(&rest).nids, 1);
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_REVOKE);
	assert_int_equal(control.until_s, 1790000000);
	assert_int_equal(control.nids, 2);
	assert_int_equal(control_next(&rest).verb, CONTROL_ANEW);
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_BAR);
	assert_int_equal(control.nids, 2);
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_UNBAR);
	assert_true(str_equal(control.ids, STR("ab000000-0000-0000-0000-000000000000\n")));
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_BLOCK);
	assert_int_equal(control.nids, 2);
	assert_true(
		str_starts(control.ids, STR("02000000-0000-0000-0000-000000000000\nab000000-")));
	assert_int_equal(control_next(&rest).verb, CONTROL_UNBLOCK);
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_KNOWN);
	assert_int_equal(control.nids, 1);
	control = control_next(&rest);
	assert_int_equal(control.verb, CONTROL_RESYNC);
	assert_int_equal(control.window_ms, 1500);
	assert_true(str_equal(control.payload, STR("{}")));
	assert_int_equal(rest.len, 0);
}

static void what_is_collected_stays_without_a_broker(void **state)
{
	struct chain *chain = *state;
	struct told told = { 0 };
	told_by(chain->fanout, &told);
	fanout_resync(chain->fanout, 1500, STR("{}"));
	fanout_flush(chain->fanout);
	assert_int_equal(told.sent, 0);
	assert_true(chain->fanout->batch.len > 0);
}

static void without_the_plugin_each_gets_a_publish_at_once(void **state)
{
	struct chain *chain = *state;
	struct uuid *ids = calloc(5000, sizeof(*ids));
	struct told told = { 0 };
	told_by(chain->fanout, &told);
	struct delivery delivery = {
		.topic = TOPIC_MESSAGES, .qos = 1, .recipients = ids, .payload = STR("{}")
	};
	chain->fanout->has_plugin = false;
	chain->fanout->bounds = &publish_bounds;
	for (size_t n = 0; n < 4; n++) {
		delivery.nrecipients = n;
		assert_int_equal(fanout_deliver(chain->fanout, &delivery, true), OK);
	}
	assert_int_equal(told.noted, 0 + 1 + 2 + 3);
	assert_int_equal(told.sent, 6);
	assert_int_equal(told.mid, 6);
	assert_int_equal(fanout_deliver(chain->fanout, &delivery, false), OK);
	assert_int_equal(told.noted, 6);
	delivery.nrecipients = 4097;
	assert_int_equal(fanout_deliver(chain->fanout, &delivery, true), ERR_TOO_LARGE);
	assert_int_equal(told.noted, 6);
	free(ids);
}

static void only_the_broker_that_was_told_all_is_opened(void **state)
{
	struct chain *chain = *state;
	struct uuid ended = { { 1 } }, fence = { { 2 } };
	struct told told = { 0 };
	told_by(chain->fanout, &told);
	const struct mqtt_handlers handlers = { .acked = acked_by_nobody };
	mqtt_handle(chain->mqtt, &handlers);
	int listener = broker_listen(&chain->conf);
	int fd = broker_accept(chain->mqtt, listener);
	fanout_revoke(chain->fanout, 1, &ended, 1);
	fanout_open(chain->fanout);
	broker_read(chain->mqtt, fd, "open\n\n");
	close(fd);

	fd = broker_accept(chain->mqtt, listener);
	fanout_revoke(chain->fanout, 1, &fence, 1);
	fanout_flush(chain->fanout);
	const char *bytes = broker_read(chain->mqtt, fd, "02000000-0000");
	assert_non_null(strstr(bytes, "01000000-0000"));
	assert_null(strstr(bytes, "open"));
	close(fd);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_fit_beside_the_payload),
		cmocka_unit_test_setup_teardown(
			the_plugin_reads_what_is_collected, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			what_is_collected_stays_without_a_broker, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			without_the_plugin_each_gets_a_publish_at_once, client_make, client_remove),
		cmocka_unit_test_setup_teardown(
			only_the_broker_that_was_told_all_is_opened, client_make, client_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
