/* Tokens of identity providers: a good one of each algorithm is taken, and everything else refused, row by row. */
#include "lib/idp.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <openssl/err.h>

enum {
	NOW_S = 1800000000,
	B64_BYTES = 16384,
	DOCUMENT_BYTES = 16384,
};

#define ISSUER "https://login.example.com/tenant"
#define OTHER "https://other.example.com"
#define ISS "\"iss\":\"" ISSUER "\","
#define AUD "\"aud\":\"parley\","
#define SUB "\"sub\":\"auth0|123\","
#define TIMES "\"iat\":1800000000,\"exp\":1800000900"
#define CLAIMS "{" ISS AUD SUB TIMES "}"

static EVP_PKEY *rsa_key, *ec_key, *ed_key, *stranger;
static char rsa_n[1024], ec_x[64], ec_y[64], ed_x[64];
static char document[DOCUMENT_BYTES];
static struct idp *idp;

static void base64url(const void *bytes, size_t len, char *out, size_t size)
{
	sodium_bin2base64(out, size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void number_text(const EVP_PKEY *pkey, const char *name, int bytes, char *out, size_t size)
{
	unsigned char raw[512];
	BIGNUM *number = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
	assert_int_equal(BN_bn2binpad(number, raw, bytes), bytes);
	base64url(raw, (size_t)bytes, out, size);
	BN_free(number);
}

static int set_up(void **state)
{
	unsigned char raw[32];
	size_t len = sizeof(raw);
	(void)state;
	rsa_key = EVP_RSA_gen(2048);
	ec_key = EVP_EC_gen("P-256");
	stranger = EVP_EC_gen("P-256");
	ed_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	number_text(rsa_key, OSSL_PKEY_PARAM_RSA_N, 256, rsa_n, sizeof(rsa_n));
	number_text(ec_key, OSSL_PKEY_PARAM_EC_PUB_X, 32, ec_x, sizeof(ec_x));
	number_text(ec_key, OSSL_PKEY_PARAM_EC_PUB_Y, 32, ec_y, sizeof(ec_y));
	assert_int_equal(EVP_PKEY_get_raw_public_key(ed_key, raw, &len), 1);
	base64url(raw, len, ed_x, sizeof(ed_x));
	snprintf(document, sizeof(document),
		"{\"issuers\":[{\"issuer\":\"https:\\/\\/login.example.com/tenant\","
		"\"audience\":[\"parley\",\"parley-web\"],\"keys\":["
		"{\"kty\":\"RSA\",\"kid\":\"rsa\",\"n\":\"%s\",\"e\":\"AQAB\"},"
		"{\"kty\":\"oct\",\"kid\":\"secret\",\"k\":\"AQAB\"},"
		"{\"kty\":\"EC\",\"kid\":\"ec\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"},"
		"{\"kty\":\"OKP\",\"kid\":\"ed\",\"crv\":\"Ed25519\",\"x\":\"%s\"},"
		"{\"kty\":\"OKP\",\"kid\":\"ec\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]},"
		"{\"issuer\":\"" OTHER "\",\"audience\":[\"chat\"],\"keys\":["
		"{\"kty\":\"OKP\",\"kid\":\"ed2\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]}]}",
		rsa_n, ec_x, ec_y, ed_x, ed_x, ed_x);
	assert_int_equal(idp_read(str_of(document), &idp), OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	idp_free(idp);
	EVP_PKEY_free(rsa_key);
	EVP_PKEY_free(ec_key);
	EVP_PKEY_free(ed_key);
	EVP_PKEY_free(stranger);
	return 0;
}

/* What OpenSSL signs with ECDSA is DER; a token has r and s. */
static size_t raw_of_der(const unsigned char *der, size_t len, unsigned char out[64])
{
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &der, (long)len);
	assert_non_null(both);
	BN_bn2binpad(ECDSA_SIG_get0_r(both), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(both), out + 32, 32);
	ECDSA_SIG_free(both);
	return 64;
}

/* A token of this header and payload; the key NULL: HS256 with the text of the document as secret. */
static struct str token_bytes(
	const char *header, const void *payload, size_t payload_len, EVP_PKEY *key)
{
	static char token[2 * B64_BYTES];
	unsigned char der[1024], signature[1024];
	size_t len = sizeof(der);
	base64url(header, strlen(header), token, B64_BYTES);
	strcat(token, ".");
	base64url(payload, payload_len, token + strlen(token), B64_BYTES);
	size_t covered = strlen(token);
	if (!key) {
		unsigned hmac_len;
		HMAC(EVP_sha256(), document, (int)strlen(document), (unsigned char *)token, covered,
			signature, &hmac_len);
		len = hmac_len;
	} else {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		bool is_ed = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
		assert_int_equal(
			EVP_DigestSignInit(ctx, NULL, is_ed ? NULL : EVP_sha256(), NULL, key), 1);
		assert_int_equal(
			EVP_DigestSign(ctx, der, &len, (unsigned char *)token, covered), 1);
		EVP_MD_CTX_free(ctx);
		if (EVP_PKEY_get_id(key) == EVP_PKEY_EC)
			len = raw_of_der(der, len, signature);
		else
			memcpy(signature, der, len);
	}
	strcat(token, ".");
	base64url(signature, len, token + strlen(token), B64_BYTES);
	return str_of(token);
}

static struct str token_of(const char *header, const char *payload, EVP_PKEY *key)
{
	return token_bytes(header, payload, strlen(payload), key);
}

static struct idp_token out;
static struct str issuer;

static enum err verify(struct str token)
{
	memset(&out, 0, sizeof(out));
	issuer = (struct str){ NULL, 0 };
	out.refused = "not yet";
	enum err err = idp_verify(idp, token, NOW_S, &out, &issuer);
	assert_true((out.refused != NULL) == (err == ERR_UNAUTHORIZED));
	return err;
}

#define EC_HEADER "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"JWT\"}"

static void test_good(void **state)
{
	(void)state;
	const struct {
		const char *header;
		EVP_PKEY *key;
	} good[] = {
		{ "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}", rsa_key },
		{ EC_HEADER, ec_key },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"typ\":\"at+jwt\"}", ed_key },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", ed_key },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"typ\":\"application\\/at+JWT\"}", ed_key },
		{ "{\"\\u0061lg\":\"EdDS\\u0041\",\"kid\":\"e\\u0064\",\"x5t\":\"abc\"}", ed_key },
	};
	struct uuid user;
	identity_user_id(STR(ISSUER), STR("auth0|123"), &user);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (verify(token_of(good[i].header, CLAIMS, good[i].key)) != OK)
			fail_msg("refused: %s", good[i].header);
		assert_true(str_equal(out.issuer, STR(ISSUER)));
		assert_string_equal(out.subject, "auth0|123");
		assert_true(uuid_equal(&out.user_id, &user));
		assert_int_equal(out.issued_at_s, NOW_S);
		assert_int_equal(out.expires_at_s, NOW_S + 900);
		assert_true(str_equal((struct str){ out.claims, out.claims_len }, STR(CLAIMS)));
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static const struct {
	const char *claims;
	enum err err;
} claims_rows[] = {
	{ CLAIMS, OK },
	{ "{\"iss\":\"https:\\/\\/login.example.com\\/tenant\"," AUD SUB TIMES "}", OK },
	{ "{" ISS "\"aud\":[\"x\",\"parley-web\"]," SUB TIMES "}", OK },
	{ "{" ISS "\"aud\":[\"parl\\u0065y\"]," SUB TIMES "}", OK },
	{ "{" ISS AUD SUB "\"exp\":1800000900}", OK },
	{ "{" ISS AUD SUB "\"exp\":1800000000.9}", ERR_TOKEN_EXPIRED },
	{ "{" ISS AUD SUB "\"exp\":1800000001.5,\"iat\":1799999999.25}", OK },
	{ "{" ISS AUD SUB "\"exp\":1.8000009e9}", OK },
	{ "{" ISS AUD SUB "\"exp\":1800000900,\"iat\":1800000060,\"nbf\":1800000060}", OK },
	{ "{" ISS AUD SUB TIMES ",\"email\":\"\\uD83D\\uDE00\",\"roles\":{\"a\":{\"b\":[\"c\"]}}}",
		OK },
	/* times */
	{ "{" ISS AUD SUB "\"iat\":1800000000}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":null}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":\"1800000900\"}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":-1}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1e300}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":253402300800}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1800000900.0000000000000000000000001}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1800000000}", ERR_TOKEN_EXPIRED },
	{ "{" ISS AUD SUB "\"exp\":1}", ERR_TOKEN_EXPIRED },
	{ "{" ISS AUD SUB "\"exp\":1800000900,\"iat\":1800000061}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1800000900,\"nbf\":1800000061}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1800000900,\"nbf\":\"1\"}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB "\"exp\":1800000900,\"iat\":null}", ERR_UNAUTHORIZED },
	/* whose */
	{ "{" AUD SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{\"iss\":\"" ISSUER "/\"," AUD SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{\"iss\":\"" OTHER "\"," AUD SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{\"iss\":[\"" ISSUER "\"]," AUD SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":\"parley2\"," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":\"chat\"," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":\"\"," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":[]," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":[\"parley\",7]," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":[[\"parley\"]]," SUB TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS "\"aud\":{\"parley\":1}," SUB TIMES "}", ERR_UNAUTHORIZED },
	/* who */
	{ "{" ISS AUD TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD "\"sub\":\"\"," TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD "\"sub\":7," TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD "\"sub\":\"a\\u0000b\"," TIMES "}", ERR_UNAUTHORIZED },
	/* form */
	{ "{" ISS AUD SUB TIMES "," TIMES "}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES ",\"s\\u0075b\":\"root\"}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES ",\"x\":{\"y\":1,\"y\":2}}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES ",\"x\":[[[[[[[[1]]]]]]]]}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES ",\"x\":\"\xff\"}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES ",\"x\":\"\\ud800\"}", ERR_UNAUTHORIZED },
	{ "{" ISS AUD SUB TIMES "}x", ERR_UNAUTHORIZED },
	{ "[" CLAIMS "]", ERR_UNAUTHORIZED },
	{ "\"x\"", ERR_UNAUTHORIZED },
	{ " ", ERR_UNAUTHORIZED },
};

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(claims_rows) / sizeof(claims_rows[0]); i++) {
		enum err err = verify(token_of(EC_HEADER, claims_rows[i].claims, ec_key));
		if (err != claims_rows[i].err)
			fail_msg("row %zu: %d of %s", i, err, claims_rows[i].claims);
		/* no reason is given to who cannot sign */
		err = verify(token_of(EC_HEADER, claims_rows[i].claims, stranger));
		if (err != ERR_UNAUTHORIZED)
			fail_msg("row %zu, of a stranger: %d", i, err);
	}
	static const char nul[] = "{" ISS AUD SUB TIMES ",\"x\":\"\0\"}";
	assert_int_equal(
		verify(token_bytes(EC_HEADER, nul, sizeof(nul) - 1, ec_key)), ERR_UNAUTHORIZED);
}

/* Headers that are refused whoever signed. */
static const struct {
	const char *header;
	enum err err;
} header_rows[] = {
	{ EC_HEADER, OK },
	{ "{\"alg\":\"ES256\",\"kid\":\"new\"}", ERR_NOT_FOUND },
	{ "{\"alg\":\"ES256\",\"kid\":\"ed2\"}", ERR_NOT_FOUND }, /* another issuer's */
	{ "{\"alg\":\"ES256\",\"kid\":\"secret\"}", ERR_NOT_FOUND },
	{ "{\"alg\":\"none\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"None\",\"kid\":\"new\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":[\"ES256\"],\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"es256\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"RS256\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"rsa\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ed\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"HS256\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES384\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":7}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[\"exp\"]}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[]}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"b64\":false}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"b64\":true}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"jwk\":{\"kty\":\"EC\"}}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"jku\":\"https://x\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x5u\":\"https://x\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x5c\":[\"MIIC\"]}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"dpop+jwt\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"logout+jwt\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":null}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"kid\":\"ec\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"\\u0061lg\":\"none\"}", ERR_UNAUTHORIZED },
	{ "{\"alg\":\"ES256\",\"kid\":\"ec\",\"x\":[[[[1]]]]}", ERR_UNAUTHORIZED },
	{ "[\"ES256\"]", ERR_UNAUTHORIZED },
	{ "x", ERR_UNAUTHORIZED },
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
		enum err err = verify(token_of(header_rows[i].header, CLAIMS, ec_key));
		if (err != header_rows[i].err)
			fail_msg("row %zu: %d of %s", i, err, header_rows[i].header);
		if (err == ERR_NOT_FOUND)
			assert_true(str_equal(issuer, STR(ISSUER)));
	}
	/* whose key is not there is not looked for when the token is of no use anyway */
	assert_int_equal(verify(token_of("{\"alg\":\"ES256\",\"kid\":\"new\"}",
				 "{" ISS AUD SUB "\"exp\":1}", ec_key)),
		ERR_UNAUTHORIZED);
}

/* RFC 8725 section 2.1: the public key as the secret of an HMAC. */
static void test_hmac(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"ed\"}",
		EC_HEADER,
	};
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(verify(token_of(headers[i], CLAIMS, NULL)), ERR_UNAUTHORIZED);
}

/* Right but for one character, or cut, or with something added. */
static void test_spelling(void **state)
{
	char copy[2 * B64_BYTES];
	(void)state;
	struct str token = token_of(EC_HEADER, CLAIMS, ec_key);
	memcpy(copy, token.ptr, token.len);
	assert_int_equal(verify((struct str){ copy, token.len }), OK);
	for (size_t i = 0; i < token.len; i++) {
		copy[i] = (char)(copy[i] == 'A' ? 'B' : 'A');
		enum err err = verify((struct str){ copy, token.len });
		if (err == OK || err == ERR_TOKEN_EXPIRED)
			fail_msg("byte %zu makes no difference", i);
		copy[i] = '=';
		assert_int_equal(verify((struct str){ copy, token.len }), ERR_UNAUTHORIZED);
		copy[i] = (char)0xc3;
		assert_int_equal(verify((struct str){ copy, token.len }), ERR_UNAUTHORIZED);
		copy[i] = token.ptr[i];
		assert_int_equal(verify((struct str){ copy, i }), ERR_UNAUTHORIZED);
	}
	static const char *const tails[] = { ".", "=", " ", ".AAAA", "AAAA", "\n" };
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		memcpy(copy + token.len, tails[i], strlen(tails[i]));
		assert_int_equal(verify((struct str){ copy, token.len + strlen(tails[i]) }),
			ERR_UNAUTHORIZED);
	}
}

/* A whole token of len bytes, by a claim that fills it. */
static struct str token_of_len(size_t len)
{
	static char claims[IDP_TOKEN_MAX];
	for (int fill = 5000; fill < 7000; fill++) {
		snprintf(claims, sizeof(claims), "{" ISS AUD SUB TIMES ",\"x\":\"%0*d\"}", fill, 0);
		struct str token = token_of(EC_HEADER, claims, ec_key);
		if (token.len >= len)
			return token;
	}
	fail();
	return STR("");
}

static void test_sizes(void **state)
{
	char claims[2048], name[1024];
	(void)state;
	struct str token = token_of_len(IDP_TOKEN_MAX - 1);
	assert_in_range(token.len, IDP_TOKEN_MAX - 1, IDP_TOKEN_MAX);
	assert_int_equal(verify(token), OK);
	assert_int_equal(verify(token_of_len(IDP_TOKEN_MAX + 1)), ERR_UNAUTHORIZED);
	assert_int_equal(verify(STR("")), ERR_UNAUTHORIZED);
	assert_int_equal(verify(STR("..")), ERR_UNAUTHORIZED);

	memset(name, 'a', sizeof(name));
	for (int len = IDENTITY_SUBJECT_MAX; len <= IDENTITY_SUBJECT_MAX + 1; len++) {
		snprintf(claims, sizeof(claims), "{" ISS AUD TIMES ",\"sub\":\"%.*s\"}", len, name);
		assert_int_equal(verify(token_of(EC_HEADER, claims, ec_key)),
			len <= IDENTITY_SUBJECT_MAX ? OK : ERR_UNAUTHORIZED);
	}
	for (int len = SESSION_NAME_MAX; len <= SESSION_NAME_MAX + 1; len++) {
		snprintf(claims, sizeof(claims), "{" ISS AUD SUB TIMES ",\"sid\":\"%.*s\"}", len,
			name);
		assert_int_equal(verify(token_of(EC_HEADER, claims, ec_key)),
			len <= SESSION_NAME_MAX ? OK : ERR_UNAUTHORIZED);
	}
}

static struct uuid session_of(const char *claims)
{
	assert_int_equal(verify(token_of(EC_HEADER, claims, ec_key)), OK);
	return out.session_id;
}

static void test_sessions(void **state)
{
	(void)state;
	struct uuid a = session_of("{" ISS AUD SUB TIMES ",\"sid\":\"s1\",\"jti\":\"t1\"}");
	struct uuid b = session_of(
		"{" ISS AUD SUB "\"exp\":1800000500,\"sid\":\"s\\u0031\",\"jti\":\"t2\"}");
	assert_true(uuid_equal(&a, &b));
	b = session_of("{" ISS AUD SUB TIMES ",\"sid\":\"s2\",\"jti\":\"t1\"}");
	assert_false(uuid_equal(&a, &b));
	/* not another's, whatever its provider calls it */
	b = session_of("{" ISS AUD TIMES ",\"sub\":\"other\",\"sid\":\"s1\"}");
	assert_false(uuid_equal(&a, &b));

	a = session_of("{" ISS AUD SUB TIMES ",\"jti\":\"s1\"}");
	b = session_of("{" ISS AUD SUB "\"exp\":1800000500,\"jti\":\"s1\",\"sid\":\"\"}");
	assert_true(uuid_equal(&a, &b));
	b = session_of("{" ISS AUD SUB TIMES ",\"sid\":\"s1\"}");
	assert_false(uuid_equal(&a, &b));

	/* ECDSA signs anew each time: another token, another session */
	struct str token = token_of(EC_HEADER, CLAIMS, ec_key);
	assert_int_equal(verify(token), OK);
	a = out.session_id;
	assert_int_equal(verify(token), OK);
	assert_true(uuid_equal(&a, &out.session_id));
	b = session_of(CLAIMS);
	assert_false(uuid_equal(&a, &b));

	assert_int_equal(a.bytes[6] >> 4, 8);
	assert_int_equal(a.bytes[8] >> 6, 2);
}

/* The same for ever: what is in databases was made so. */
static void test_ids(void **state)
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid id;
	(void)state;
	identity_user_id(STR("https://a"), STR("b"), &id);
	uuid_format(&id, text);
	assert_string_equal(text, "77213270-973e-8fa9-8cdc-b10f36a580d7");
	identity_session_id(STR("https://a"), STR("b"), IDENTITY_SESSION_SID, STR("c"), &id);
	uuid_format(&id, text);
	assert_string_equal(text, "651fd595-2a91-80b9-ac2f-b1aec422c00b");
	struct uuid other;
	identity_user_id(STR("https://ab"), STR(""), &other);
	identity_user_id(STR("https://a"), STR("b"), &id);
	assert_false(uuid_equal(&id, &other));
}

#define KEYS ",\"keys\":[]}"
static const struct {
	const char *document;
	bool good;
} documents[] = {
	{ "{\"issuers\":[]}", true },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"b\"]" KEYS "]}", true },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"b\"],\"keys\":[1,null,{},\"x\",[[]]]}]}",
		true },
	{ "{\"issuers\":{}}", false },
	{ "{\"issuers\":[1]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"b\"]}]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":\"b\"" KEYS "]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[]" KEYS "]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"\"]" KEYS "]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[1]" KEYS "]}", false },
	{ "{\"issuers\":[{\"issuer\":\"\",\"audience\":[\"b\"]" KEYS "]}", false },
	{ "{\"issuers\":[{\"audience\":[\"b\"]" KEYS "]}", false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"b\"]" KEYS
	  ",{\"issuer\":\"a\",\"audience\":[\"b\"]" KEYS "]}",
		false },
	{ "{\"issuers\":[{\"issuer\":\"a\",\"audience\":[\"b\"],\"keys\":{}}]}", false },
	{ "{}", false },
	{ "[]", false },
	{ "", false },
};

static void test_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct idp *read = NULL;
		enum err err = idp_read(str_of(documents[i].document), &read);
		if (err != (documents[i].good ? OK : ERR_INVALID_INPUT))
			fail_msg("row %zu: %d of %s", i, err, documents[i].document);
		idp_free(read);
	}
	idp_free(NULL);

	/* one issuer more than there may be */
	char many[4096] = "{\"issuers\":[";
	for (int i = 0; i <= IDP_ISSUERS_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
			"%s{\"issuer\":\"i%d\",\"audience\":[\"b\"]" KEYS, i > 0 ? "," : "", i);
	strcat(many, "]}");
	struct idp *read;
	assert_int_equal(idp_read(str_of(many), &read), ERR_INVALID_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_documents),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
