/* Signatures of webhooks: those of the specification's own library are taken, and everything else refused. */
#include "lib/webhook.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Of the tests of standard-webhooks' libraries. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY "{\"test\": 2432232314}"
#define TIME "1614265330"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

enum {
	NOW_S = 1614265330
};

static const struct row {
	const char *secrets, *id, *timestamp, *signatures, *body;
	int64_t now_s;
	enum err err;
} rows[] = {
	{ SECRET, ID, TIME, SIGNATURE, BODY, NOW_S, OK },
	{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ID, TIME, SIGNATURE, BODY, NOW_S, OK },
	{ SECRET, ID, TIME, SIGNATURE, BODY, NOW_S + 300, OK },
	{ SECRET, ID, TIME, SIGNATURE, BODY, NOW_S - 300, OK },
	{ SECRET, ID, TIME, OTHER " " SIGNATURE, BODY, NOW_S, OK },
	{ SECRET, ID, TIME, "v1a,abc v2,x v1, v1 , " SIGNATURE " " OTHER, BODY, NOW_S, OK },
	{ "whsec_MDEyMzQ1Njc4OWFiY2RlZg== " SECRET, ID, TIME, SIGNATURE, BODY, NOW_S, OK },
	/* none, or of something else */
	{ "", ID, TIME, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", ID, TIME, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, OTHER, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "", BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, NULL, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NOW_S,
		ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NOW_S,
		ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", BODY, NOW_S,
		ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", BODY, NOW_S,
		ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ", BODY, NOW_S,
		ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, SIGNATURE, BODY " ", NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, SIGNATURE, "", NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, "msg_x", TIME, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, "", TIME, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, NULL, TIME, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	/* time */
	{ SECRET, ID, TIME, SIGNATURE, BODY, NOW_S + 301, ERR_UNAUTHORIZED },
	{ SECRET, ID, TIME, SIGNATURE, BODY, NOW_S - 301, ERR_UNAUTHORIZED },
	{ SECRET, ID, "1614265331", SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, "01614265330", SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, "1614265330.0", SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, "", SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
	{ SECRET, ID, NULL, SIGNATURE, BODY, NOW_S, ERR_UNAUTHORIZED },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct webhook webhook = { str_of(row->id), str_of(row->timestamp),
			str_of(row->signatures), str_of(row->body) };
		int64_t at_s = -1;
		enum err err = webhook_verify(str_of(row->secrets), &webhook, row->now_s, &at_s);
		if (err != row->err)
			fail_msg("row %zu: %d", i, err);
		assert_int_equal(at_s, err == OK ? NOW_S : -1);
	}
}

/* An id is kept, and its length bounded. */
static void test_long_id(void **state)
{
	char id[WEBHOOK_ID_MAX + 2];
	(void)state;
	for (size_t len = WEBHOOK_ID_MAX; len <= WEBHOOK_ID_MAX + 1; len++) {
		unsigned char secret[WEBHOOK_SECRET_MAX], signature[SIGNATURE_BYTES];
		char text[64] = "v1,";
		size_t secret_len;
		int64_t at_s;
		memset(id, 'a', len);
		struct webhook webhook = { { id, len }, STR(TIME), { NULL, 0 }, STR(BODY) };
		assert_true(secret_decode(STR(SECRET), secret, &secret_len));
		sign(&webhook, secret, secret_len, signature);
		sodium_bin2base64(text + 3, sizeof(text) - 3, signature, sizeof(signature),
			sodium_base64_VARIANT_ORIGINAL);
		webhook.signatures = str_of(text);
		assert_int_equal(webhook_verify(STR(SECRET), &webhook, NOW_S, &at_s),
			len <= WEBHOOK_ID_MAX ? OK : ERR_UNAUTHORIZED);
	}
}

static void test_secrets(void **state)
{
	(void)state;
	assert_true(webhook_secrets_ok(STR(SECRET)));
	assert_true(webhook_secrets_ok(STR(" " SECRET "  " SECRET " ")));
	assert_false(webhook_secrets_ok(STR("")));
	assert_false(webhook_secrets_ok(STR("whsec_" SECRET)));
	assert_false(webhook_secrets_ok(STR(SECRET " whsec_MTIzNDU2Nzg5MDEyMzQ1")));
	assert_false(webhook_secrets_ok(STR(SECRET " " SECRET " " SECRET " " SECRET " " SECRET
						   " " SECRET " " SECRET " " SECRET " " SECRET)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_id),
		cmocka_unit_test(test_secrets),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
