/* People of identity providers at the broker: what is asked of the database, and who is turned out. */
#include "push/identity.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/identity.h"
#include "tests/unit/broker.h"
#include "tests/unit/chain.h"

#define ISSUER "https://id.example.test"

enum {
	ASKED_MAX = PENDING_MAX + 16
};

/* The database is asked, and answers when the test says so. */
static struct pending *asked[ASKED_MAX];
static size_t nasked;

void pipeline_submit(struct pipeline *pipeline, struct pending *pending, int64_t now_us)
{
	(void)pipeline, (void)now_us;
	assert_true(nasked < ASKED_MAX);
	asked[nasked++] = pending;
}

static struct fixture {
	struct chain chain;
	struct identities *identities;
	int listener, broker;
} fixture;

static void ack(void *ctx, int mid)
{
	events_acked(ctx, mid);
}

static int set_up(void **state)
{
	(void)state;
	static char none[] = "", handle[] = "preferred_username";
	struct fixture *f = &fixture;
	*f = (struct fixture){ .chain.conf = { .token_ttl_s = 900,
				       .idp_claim_handle = handle,
				       .idp_claim_name = none,
				       .idp_claim_email = none,
				       .idp_claim_avatar = none } };
	nasked = 0;
	f->listener = broker_listen(&f->chain.conf);
	chain_make(&f->chain);
	f->identities = identities_new(&f->chain.conf, f->chain.mqtt, f->chain.fanout,
		f->chain.events, NULL, &f->chain.metrics);
	const struct mqtt_handlers handlers = { .acked = ack, .acked_ctx = f->chain.events };
	mqtt_handle(f->chain.mqtt, &handlers);
	f->broker = broker_accept(f->chain.mqtt, f->listener);
	return 0;
}

/* What a pipeline does when it ends. */
static void answer_all(enum err err)
{
	size_t count = nasked;
	nasked = 0;
	for (size_t i = 0; i < count; i++)
		asked[i]->answer(asked[i]->ctx, err, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	struct fixture *f = &fixture;
	answer_all(ERR_UNAVAILABLE);
	identities_free(f->identities);
	chain_free(&f->chain);
	close(f->broker);
	close(f->listener);
	return 0;
}

static void say(const char *text)
{
	identities_take(fixture.identities, str_of(text));
}

/* Somebody has come in, by a token that ends at exp_s. */
static void say_seen(int number, long long exp_s)
{
	char text[512], subject[32], user[UUID_TEXT_LEN + 1];
	struct uuid id;
	int len = snprintf(subject, sizeof(subject), "user_%d", number);
	identity_user_id(STR(ISSUER), (struct str){ subject, (size_t)len }, &id);
	uuid_format(&id, user);
	snprintf(text, sizeof(text),
		"seen %s 00000000-0000-8000-8000-%012d\n{\"iss\":\"" ISSUER
		"\",\"sub\":\"%s\",\"exp\":%lld,"
		"\"preferred_username\":\"ann\"}",
		user, number, subject, exp_s);
	say(text);
}

static void run(int64_t later_us)
{
	identities_run(fixture.identities, time_mono_us() + later_us);
	fanout_flush(fixture.chain.fanout);
}

static int64_t now_s(void)
{
	return time_now_us() / 1000000;
}

static bool is_due(void)
{
	int64_t wake_us = INT64_MAX;
	identities_poll(fixture.identities, &wake_us);
	return wake_us < INT64_MAX;
}

#define KNOWN(number) "known\n00000000-0000-8000-8000-00000000000" number "\n\n"

static void who_is_new_is_made_once(void **state)
{
	(void)state;
	int64_t exp_s = now_s() + 600;
	say_seen(1, exp_s);
	assert_int_equal(nasked, 1);
	assert_int_equal(asked[0]->call.query, Q_IDENTITY_SEEN);
	assert_memory_equal(asked[0]->call.params[1].value, ISSUER, strlen(ISSUER));
	assert_memory_equal(asked[0]->call.params[2].value, "user_1", 6);
	assert_memory_equal(asked[0]->call.params[6].value, "ann", 3);
	assert_int_equal(identities_count(fixture.identities), 1);
	answer_all(OK);
	assert_int_equal(identities_count(fixture.identities), 0);
	assert_int_equal(fixture.identities->count, 0);
	assert_int_equal(fixture.identities->bytes, 0);
	run(0);
	assert_int_equal(events_outstanding(fixture.chain.events), 0);
	broker_read(fixture.chain.mqtt, fixture.broker, KNOWN("1"));

	/* the same token again, and another */
	say_seen(1, exp_s);
	assert_int_equal(nasked, 0);
	run(0);
	broker_read(fixture.chain.mqtt, fixture.broker, KNOWN("1"));
	say_seen(1, now_s() + 1200);
	say_seen(2, now_s() + 600);
	assert_int_equal(nasked, 2);
	answer_all(OK);
	assert_int_equal(fixture.chain.metrics.values[METRIC_IDENTITIES_SEEN], 4);
	assert_int_equal(fixture.chain.metrics.values[METRIC_IDENTITIES_REFUSED], 0);
}

static void who_may_not_is_turned_out_as_long_as_the_token_lives(void **state)
{
	(void)state;
	int64_t exp_s = now_s() + 7200;
	char awaited[64];
	say_seen(7, exp_s);
	answer_all(ERR_UNAUTHORIZED);
	assert_true(is_due());
	run(0);
	assert_int_equal(fixture.chain.metrics.values[METRIC_IDENTITIES_REFUSED], 1);
	assert_int_equal(fixture.identities->count, 0);
	snprintf(awaited, sizeof(awaited), "revoke %lld\n00000000-0000-8000-8000-000000000007\n\n",
		(long long)exp_s + EVENTS_SKEW_S);
	broker_read(fixture.chain.mqtt, fixture.broker, awaited);
	/* and is not taken for somebody who is in */
	say_seen(7, exp_s);
	assert_int_equal(nasked, 1);
}

static void without_the_database_it_is_tried_again(void **state)
{
	(void)state;
	say_seen(1, now_s() + 600);
	say("wanted " ISSUER "\n");
	say_seen(2, now_s() + 600);
	answer_all(ERR_UNAVAILABLE);
	assert_int_equal(identities_count(fixture.identities), 0);
	assert_true(is_due());
	run(0);
	assert_int_equal(nasked, 0);
	run(RETRY_US);
	assert_int_equal(nasked, 3);
	assert_int_equal(asked[1]->call.query, Q_IDENTITY_WANT);
	assert_memory_equal(asked[1]->call.params[0].value, ISSUER, strlen(ISSUER));
	answer_all(OK);
	assert_false(is_due());
	assert_int_equal(fixture.identities->count, 0);
}

static void without_room_it_waits_for_the_broker(void **state)
{
	(void)state;
	struct uuid nobody = { { 9 } };
	say_seen(1, now_s() + 600);
	answer_all(ERR_UNAUTHORIZED);
	while (events_have_room(fixture.chain.events))
		events_revoke(fixture.chain.events, &nobody, 1, TIME_NONE);
	fanout_flush(fixture.chain.fanout);
	size_t before = events_outstanding(fixture.chain.events);
	run(0);
	assert_false(is_due());
	assert_int_equal(events_outstanding(fixture.chain.events), before);
	for (int mid = 1; events_outstanding(fixture.chain.events) > 0; mid++)
		events_acked(fixture.chain.events, mid);
	assert_true(is_due());
	run(0);
	assert_int_equal(events_outstanding(fixture.chain.events), 1);
}

static void too_many_at_once_are_sent_away_to_come_again(void **state)
{
	(void)state;
	int64_t begin_s = now_s();
	for (int i = 0; i < PENDING_MAX + 3; i++)
		say_seen(i, now_s() + 600);
	assert_int_equal(nasked, PENDING_MAX);
	assert_int_equal(fixture.identities->turned_out, 3);
	run(0);
	assert_int_equal(fixture.identities->count, PENDING_MAX);
	const char *said = broker_read(
		fixture.chain.mqtt, fixture.broker, "00000000-0000-8000-8000-000000008194\n\n");
	/* for a moment: the token is good */
	long long until_s = strtoll(strstr(said, "revoke ") + strlen("revoke "), NULL, 10);
	assert_in_range(until_s, begin_s + TURNED_OUT_S, now_s() + TURNED_OUT_S);
	answer_all(OK);
	say_seen(PENDING_MAX + 1, now_s() + 600);
	assert_int_equal(nasked, 1);
}

static void what_is_not_understood_does_nothing(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "seen", "seen x y\n{}", "wanted \n", "gone\n" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		say(rows[i]);
	assert_int_equal(nasked, 0);
	assert_int_equal(fixture.identities->count, 0);

	/* claims that the plugin cannot have found good */
	static const char *const claims[] = { "{}", "[",
		"{\"iss\":\"a\",\"sub\":\"b\",\"exp\":1}" };
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text),
			"seen 00000000-0000-8000-8000-000000000001 "
			"00000000-0000-8000-8000-000000000002\n%s",
			claims[i]);
		say(text);
	}
	assert_int_equal(nasked, 0);
	run(0);
	assert_int_equal(events_outstanding(fixture.chain.events), 3);
	assert_int_equal(fixture.identities->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_is_new_is_made_once),
		TEST(who_may_not_is_turned_out_as_long_as_the_token_lives),
		TEST(without_the_database_it_is_tried_again),
		TEST(without_room_it_waits_for_the_broker),
		TEST(too_many_at_once_are_sent_away_to_come_again),
		TEST(what_is_not_understood_does_nothing),
	};
	log_open("push_identity_test", LOG_LEVEL_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
