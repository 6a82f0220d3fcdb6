/* AWS Signature Version 4: the published examples, and the query cases of AWS's own test suite whose path is taken as it is. */
#include "lib/sigv4.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SUITE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/* U+1234 */
#define SEE "\xe1\x88\xb4"

enum {
	SUITE_S = 1440938160,	/* 2015-08-30T12:36:00Z */
	EXAMPLE_S = 1369353600, /* 2013-05-24T00:00:00Z */
};

/* AWS's suite: AKIDEXAMPLE, us-east-1, service, example.amazonaws.com, an hour. */
static const struct row {
	const char *name, *method, *path, *params; /* "name=value&…", not encoded */
	const char *signature;
} rows[] = {
	{ "get-vanilla", "GET", "/", "",
		"e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d" },
	{ "get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
		"49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de" },
	{ "get-vanilla-query-order-encoded", "GET", "/",
		"Param-3=Value3&Param=Value2&" SEE "=Value1",
		"c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787" },
	{ "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
		"86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5" },
	{ "get-vanilla-query-unreserved", "GET", "/", UNRESERVED "=" UNRESERVED,
		"8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf" },
	{ "get-vanilla-utf8-query", "GET", "/", SEE "=bar",
		"0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600" },
	{ "get-unreserved", "GET", "/" UNRESERVED, "",
		"95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005" },
	{ "get-utf8", "GET", "/" SEE, "",
		"10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44" },
	{ "get-space-unnormalized", "GET", "/example space/", "",
		"7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6" },
	{ "get-relative-unnormalized", "GET", "/example/..", "",
		"cbcb213b928a077e43275df47b500f1dfaa864ab3f5a18f6b95f4ff0938167ee" },
	{ "get-relative-relative-unnormalized", "GET", "/example1/example2/../..", "",
		"b45db0bfd1cf15003493b733e33aa208dd981bd0e63037a6ed953f71d2118a16" },
	{ "get-slash-dot-slash-unnormalized", "GET", "/./", "",
		"a9b13e8f3484d9505bf1a6f347219f8f35b0fe8f128ceea597efc146a3dfe90c" },
	{ "get-slash-pointless-dot-unnormalized", "GET", "/./example", "",
		"72b11f16d9530b18204bfb71f2d6ab085894c0ed8d352730a6e76234c58b5e10" },
	{ "get-slash-unnormalized", "GET", "//", "",
		"b2a9542809db687769200f56a844a03f2bd0291d6eb90232d5101c6a579446cd" },
	{ "get-slashes-unnormalized", "GET", "//example//", "",
		"822a5a9ba28072c5ab2bb4a6307d0c88276d40e49fec6b724c03fb4d4ba60fc2" },
	{ "post-vanilla", "POST", "/", "",
		"2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b" },
	{ "post-vanilla-query", "POST", "/", "Param1=value1",
		"a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682" },
};

static size_t params_split(const char *text, struct sigv4_param params[SIGV4_PARAMS_MAX])
{
	size_t count = 0;
	while (*text) {
		size_t name_len = strcspn(text, "="), len = strcspn(text, "&");
		params[count++] = (struct sigv4_param){ { text, name_len },
			{ text + name_len + 1, len - name_len - 1 } };
		text += len + (text[len] == '&');
	}
	return count;
}

static void test_suite(void **state)
{
	static const struct sigv4_key key = { { "AKIDEXAMPLE", 11 },
		{ SUITE_SECRET, sizeof(SUITE_SECRET) - 1 }, { "us-east-1", 9 }, { "service", 7 } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sigv4_param params[SIGV4_PARAMS_MAX];
		struct buf out = { 0 };
		struct sigv4_request request = {
			.method = str_of(rows[i].method),
			.host = STR("example.amazonaws.com"),
			.path = str_of(rows[i].path),
			.params = params,
			.nparams = params_split(rows[i].params, params),
			.payload = STR(EMPTY_HASH),
			.at_s = SUITE_S,
			.expires_s = 3600,
		};
		sigv4_presign(&key, &request, &out);
		buf_add_char(&out, '\0');
		const char *signature = strstr(out.data, "&X-Amz-Signature=");
		assert_non_null(signature);
		if (strcmp(signature + 17, rows[i].signature) != 0)
			fail_msg("%s: %s", rows[i].name, out.data);
		buf_free(&out);
	}
}

static const struct sigv4_key example_key = { { "AKIAIOSFODNN7EXAMPLE", 20 },
	{ "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40 }, { "us-east-1", 9 }, { "s3", 2 } };

/* "Authenticating Requests: Using Query Parameters", to the byte. */
static void test_s3_example(void **state)
{
	struct buf out = { 0 };
	(void)state;
	sigv4_presign(&example_key,
		&(struct sigv4_request){ .method = STR("GET"),
			.host = STR("examplebucket.s3.amazonaws.com"),
			.path = STR("/test.txt"),
			.payload = SIGV4_UNSIGNED,
			.at_s = EXAMPLE_S,
			.expires_s = 86400 },
		&out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data,
		"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
		"&X-Amz-Signature="
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	buf_free(&out);
}

/* What stands before is left, and what is signed besides is in the query, encoded, in its place. */
static void test_params(void **state)
{
	static const struct sigv4_param params[] = {
		{ { "response-content-type", 21 }, { "text/plain; charset=utf-8", 25 } },
		{ { "response-content-disposition", 28 },
			{ "attachment; filename*=UTF-8''a%20b", 34 } },
	};
	struct buf out = { 0 };
	(void)state;
	buf_add_string(&out, "https://host");
	sigv4_presign(&example_key,
		&(struct sigv4_request){ .method = STR("GET"),
			.host = STR("host"),
			.path = STR("/a b/+"),
			.params = params,
			.nparams = 2,
			.payload = SIGV4_UNSIGNED,
			.at_s = EXAMPLE_S,
			.expires_s = 60 },
		&out);
	buf_add_char(&out, '\0');
	assert_int_equal(strncmp(out.data, "https://host/a%20b/%2B?X-Amz-Algorithm=", 39), 0);
	assert_non_null(strstr(out.data,
		"&X-Amz-SignedHeaders=host"
		"&response-content-disposition=attachment%3B%20filename%2A%3DUTF-8%27%27a%2520b"
		"&response-content-type=text%2Fplain%3B%20charset%3Dutf-8&X-Amz-Signature="));
	buf_free(&out);
}

/* "Deriving the signing key", both of its days. */
static void test_signing_key(void **state)
{
	static const struct {
		const char *date, *key;
	} days[] = {
		{ "20120215", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d" },
		{ "20150830", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" },
	};
	static const struct sigv4_key key = { { "AKIDEXAMPLE", 11 },
		{ SUITE_SECRET, sizeof(SUITE_SECRET) - 1 }, { "us-east-1", 9 }, { "iam", 3 } };
	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		unsigned char out[HASH_BYTES];
		struct buf hex = { 0 };
		signing_key(&key, str_of(days[i].date), out);
		hex_add(&hex, out);
		buf_add_char(&hex, '\0');
		assert_string_equal(hex.data, days[i].key);
		buf_free(&hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite),
		cmocka_unit_test(test_s3_example),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_signing_key),
	};
	return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
