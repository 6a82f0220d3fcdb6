/* Keys of identity providers: the vectors of the RFCs verify, and what is of no use is refused, row by row. */
#include "lib/jwk.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 7515 appendix A.2 */
#define RSA_N                                                                                      \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt" \
	"0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX" \
	"ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5" \
	"IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA_COVERED                                                                                \
	"eyJhbGciOiJSUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define RSA_SIGNATURE                                                                              \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W" \
	"2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS" \
	"jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv" \
	"Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
/* RFC 7515 appendix A.3 */
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_COVERED                                                                                 \
	"eyJhbGciOiJFUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define EC_SIGNATURE                                                                               \
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
/* RFC 8037 appendix A.4 */
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED_COVERED "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define ED_SIGNATURE                                                                               \
	"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define ED_KEY "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\""
#define KID "\"kid\":\"k1\""

static struct jwk read_good(const char *json)
{
	char why[JSON_WHY_BYTES];
	struct jwk key;
	assert_int_equal(json_scan(str_of(json), JSON_DEPTH_MAX, why), OK);
	assert_int_equal(jwk_read(str_of(json), &key), OK);
	return key;
}

static const struct vector {
	const char *json;
	enum jwk_alg alg;
	const char *covered, *signature;
} vectors[] = {
	{ "{" RSA_KEY "," KID "}", JWK_RS256, RSA_COVERED, RSA_SIGNATURE },
	{ "{" EC_KEY "," KID "}", JWK_ES256, EC_COVERED, EC_SIGNATURE },
	{ "{" ED_KEY "," KID "}", JWK_EDDSA, ED_COVERED, ED_SIGNATURE },
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *row = &vectors[i];
		struct jwk key = read_good(row->json);
		unsigned char signature[JWK_SIGNATURE_MAX];
		size_t len;
		assert_int_equal(key.alg, row->alg);
		assert_string_equal(key.kid, "k1");
		assert_true(text_from_base64url(
			str_of(row->signature), signature, sizeof(signature), &len));
		assert_true(jwk_verify(&key, str_of(row->covered), signature, len));

		/* shorter, with a bit changed, or of other bytes */
		assert_false(jwk_verify(&key, str_of(row->covered), signature, len - 1));
		assert_false(jwk_verify(&key, str_of(row->covered), signature, 0));
		signature[len / 2] ^= 1;
		assert_false(jwk_verify(&key, str_of(row->covered), signature, len));
		signature[len / 2] ^= 1;
		assert_false(jwk_verify(&key, STR("eyJhbGciOiJSUzI1NiJ9.e30"), signature, len));
		memset(signature, 0, len);
		assert_false(jwk_verify(&key, str_of(row->covered), signature, len));
		jwk_free(&key);
	}
	/* nothing is left for OpenSSL's other users to find */
	assert_int_equal(ERR_peek_error(), 0);
}

/* A signature by a key of another type is none. */
static void test_other_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct jwk key = read_good(vectors[i].json);
		for (size_t j = 0; j < 3; j++) {
			unsigned char signature[JWK_SIGNATURE_MAX];
			size_t len;
			assert_true(text_from_base64url(
				str_of(vectors[j].signature), signature, sizeof(signature), &len));
			assert_int_equal(
				jwk_verify(&key, str_of(vectors[j].covered), signature, len),
				i == j);
		}
		jwk_free(&key);
	}
}

static const struct {
	const char *json;
	bool good;
} rows[] = {
	{ "{" RSA_KEY "," KID ",\"use\":\"sig\",\"alg\":\"RS256\"}", true },
	{ "{" RSA_KEY "," KID ",\"key_ops\":[\"sign\",\"verify\"]}", true },
	{ "{" RSA_KEY "," KID ",\"x5c\":[\"MIIC\"],\"x5t\":\"abc\"}", true },
	{ "{" RSA_KEY ",\"kid\":\"a\\/b\"}", true },
	{ "{" EC_KEY "," KID ",\"alg\":\"ES256\"}", true },
	{ "{" ED_KEY "," KID ",\"alg\":\"EdDSA\"}", true },
	/* for something else */
	{ "{" RSA_KEY "," KID ",\"use\":\"enc\"}", false },
	{ "{" RSA_KEY "," KID ",\"use\":null}", false },
	{ "{" RSA_KEY "," KID ",\"key_ops\":[\"encrypt\"]}", false },
	{ "{" RSA_KEY "," KID ",\"key_ops\":\"verify\"}", false },
	{ "{" RSA_KEY "," KID ",\"key_ops\":[1,\"verify\"]}", false },
	{ "{" RSA_KEY "," KID ",\"alg\":\"PS256\"}", false },
	{ "{" RSA_KEY "," KID ",\"alg\":\"RSA-OAEP\"}", false },
	{ "{" RSA_KEY "," KID ",\"alg\":\"HS256\"}", false },
	{ "{" RSA_KEY "," KID ",\"alg\":7}", false },
	{ "{" EC_KEY "," KID ",\"alg\":\"RS256\"}", false },
	/* without a name */
	{ "{" RSA_KEY "}", false },
	{ "{" RSA_KEY ",\"kid\":\"\"}", false },
	{ "{" RSA_KEY ",\"kid\":7}", false },
	/* private or symmetric */
	{ "{" RSA_KEY "," KID ",\"d\":\"AQAB\"}", false },
	{ "{" EC_KEY "," KID ",\"d\":\"AQAB\"}", false },
	{ "{" ED_KEY "," KID ",\"d\":\"" ED_X "\"}", false },
	{ "{\"kty\":\"oct\",\"k\":\"AQAB\"," KID "}", false },
	{ "{" RSA_KEY "," KID ",\"k\":\"AQAB\"}", false },
	/* of another size or kind */
	{ "{\"kty\":\"RSA\",\"n\":\"" EC_X "\",\"e\":\"AQAB\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N RSA_N "\",\"e\":\"AQAB\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Ag\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "=\",\"e\":\"AQAB\"," KID "}", false },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"," KID "}", false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"," KID "}",
		false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"," KID "}",
		false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"" EC_Y "\"," KID "}", false },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"," KID "}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ED_X "\"," KID "}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED_X "\"," KID "}", false },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"," KID "}", false },
	{ "{" KID "}", false },
	{ "[]", false },
	{ "7", false },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[JSON_WHY_BYTES];
		struct jwk key;
		assert_int_equal(json_scan(str_of(rows[i].json), JSON_DEPTH_MAX, why), OK);
		enum err err = jwk_read(str_of(rows[i].json), &key);
		if (err == OK)
			jwk_free(&key);
		if ((err == OK) != rows[i].good)
			fail_msg("row %zu: %s", i, rows[i].json);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void test_set(void **state)
{
	(void)state;
	static struct jwk_entry entries[JWK_SET_MAX];
	size_t count = 99;
	assert_int_equal(
		jwk_set_read(STR("{\"keys\":[{" RSA_KEY
				 ",\"kid\":\"a\\/b\",\"use\":\"sig\",\"x5c\":[\"MIIC\"]},"
				 "{" RSA_KEY ",\"kid\":\"private\",\"d\":\"AQAB\"},"
				 "7,{" EC_KEY ",\"kid\":\"e\",\"nested\":{\"deep\":[[1]]}},"
				 "{" ED_KEY ",\"kid\":\"a/b\"},"
				 "{" ED_KEY ",\"kid\":\"o\"}],\"more\":1}"),
			entries, &count),
		OK);
	assert_int_equal(count, 3);
	assert_string_equal(entries[0].kid, "a/b");
	assert_string_equal(entries[0].text,
		"{\"kty\":\"RSA\",\"kid\":\"a\\/b\",\"alg\":\"RS256\",\"n\":\"" RSA_N
		"\",\"e\":\"AQAB\"}");
	assert_string_equal(entries[1].text,
		"{\"kty\":\"EC\",\"kid\":\"e\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"" EC_X
		"\",\"y\":\"" EC_Y "\"}");
	assert_string_equal(entries[2].text,
		"{\"kty\":\"OKP\",\"kid\":\"o\",\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"x\":\"" ED_X
		"\"}");
	for (size_t i = 0; i < count; i++) {
		struct jwk key = read_good(entries[i].text);
		assert_string_equal(key.kid, entries[i].kid);
		jwk_free(&key);
	}

	count = 99;
	assert_int_equal(jwk_set_read(STR("{\"keys\":[]}"), entries, &count), ERR_INVALID_INPUT);
	assert_int_equal(jwk_set_read(STR("{\"keys\":{}}"), entries, &count), ERR_INVALID_INPUT);
	assert_int_equal(jwk_set_read(STR("[]"), entries, &count), ERR_INVALID_INPUT);
	assert_int_equal(jwk_set_read(STR("<html>"), entries, &count), ERR_MALFORMED);
	assert_int_equal(
		jwk_set_read(STR("{\"keys\":[],\"keys\":[]}"), entries, &count), ERR_MALFORMED);
	assert_int_equal(count, 99);
}

/* More keys than a provider is believed to need: the first. */
static void test_set_full(void **state)
{
	(void)state;
	static struct jwk_entry entries[JWK_SET_MAX];
	static char document[64 * 1024];
	size_t at = (size_t)snprintf(document, sizeof(document), "{\"keys\":["), count;
	for (int i = 0; i <= JWK_SET_MAX; i++)
		at += (size_t)snprintf(document + at, sizeof(document) - at,
			"%s{" ED_KEY ",\"kid\":\"k%d\"}", i > 0 ? "," : "", i);
	snprintf(document + at, sizeof(document) - at, "]}");
	assert_int_equal(jwk_set_read(str_of(document), entries, &count), OK);
	assert_int_equal(count, JWK_SET_MAX);
	assert_string_equal(entries[JWK_SET_MAX - 1].kid, "k31");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
