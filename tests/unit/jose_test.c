/* Tokens: what is signed is verified, and everything else is refused, row by row. */
#include "lib/jose.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#define ISSUER "https://parley.test"
#define AUDIENCE "parley"
#define SUB "0190a000-0000-7000-8000-00000000abcd"
#define SID "0190a000-0000-7000-8000-000000000001"
#define JTI "0190a000-0000-7000-8000-000000000002"

enum {
	NOW_S = 1800000000
};

/* Good claims in pieces, so that a row can leave one out or change it. */
#define ISS "\"iss\":\"" ISSUER "\","
#define AUD "\"aud\":\"" AUDIENCE "\","
#define IDS "\"sub\":\"" SUB "\",\"sid\":\"" SID "\",\"jti\":\"" JTI "\","
#define TIMES "\"iat\":1800000000,\"exp\":1800000900,"
#define DID "\"did\":\"phone\""
#define CLAIMS "{" ISS AUD IDS TIMES DID "}"
#define KID "\"kid\":\"%s\""
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"," KID "}"

static char directory[] = "/tmp/parley-jose-XXXXXX";
static char private_path[64], public_path[64], other_path[64], rsa_path[64], locked_path[64];
static struct jose_keys *signer, *verifier, *other;

static void path_of(char out[64], const char *name)
{
	snprintf(out, 64, "%s/%s", directory, name);
}

static FILE *open_new(const char *path)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static void pem_write(EVP_PKEY *pkey, const char *path, const EVP_CIPHER *cipher)
{
	FILE *file = open_new(path);
	char passphrase[] = "secret";
	assert_int_equal(
		PEM_write_PrivateKey(file, pkey, cipher, NULL, 0, NULL, cipher ? passphrase : NULL),
		1);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	path_of(private_path, "token.key");
	path_of(public_path, "token.pub");
	path_of(other_path, "other.key");
	path_of(rsa_path, "rsa.key");
	path_of(locked_path, "locked.key");

	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	pem_write(pkey, private_path, NULL);
	pem_write(pkey, locked_path, EVP_aes_256_cbc());
	FILE *file = open_new(public_path);
	assert_int_equal(PEM_write_PUBKEY(file, pkey), 1);
	fclose(file);
	EVP_PKEY_free(pkey);

	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	pem_write(pkey, other_path, NULL);
	EVP_PKEY_free(pkey);
	pkey = EVP_RSA_gen(2048);
	pem_write(pkey, rsa_path, NULL);
	EVP_PKEY_free(pkey);

	assert_int_equal(jose_keys_load(private_path, &signer), OK);
	assert_int_equal(jose_keys_load(public_path, &verifier), OK);
	assert_int_equal(jose_keys_load(other_path, &other), OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	const char *paths[] = { private_path, public_path, other_path, rsa_path, locked_path };
	jose_keys_free(signer);
	jose_keys_free(verifier);
	jose_keys_free(other);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		unlink(paths[i]);
	rmdir(directory);
	return 0;
}

/* Signs any bytes as header and payload; "%s" in the header becomes the kid. */
static size_t token_make(const char *format, const char *payload, size_t payload_len, char *out)
{
	char header[1024];
	const char *kid = strstr(format, "%s");
	int header_len = kid ? snprintf(header, sizeof(header), "%.*s%s%s", (int)(kid - format),
				       format, signer->keys[0].kid, kid + 2)
			     : snprintf(header, sizeof(header), "%s", format);
	size_t len = encode(out, JOSE_TOKEN_MAX * 2, header, (size_t)header_len);
	out[len++] = '.';
	len += encode(out + len, JOSE_TOKEN_MAX * 2 - len, payload, payload_len);
	unsigned char signature[SIGNATURE_BYTES];
	crypto_sign_ed25519_detached(
		signature, NULL, (unsigned char *)out, len, signer->keys[0].secret_key);
	out[len++] = '.';
	return len + encode(out + len, JOSE_TOKEN_MAX * 2 - len, signature, sizeof(signature));
}

/* Without a NUL behind the token, so that a sanitizer sees a step too far. */
static enum err verify_exact(const char *token, size_t len, struct claims *out)
{
	char *exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, token, len);
	enum err err =
		jose_verify(verifier, ISSUER, AUDIENCE, (struct str){ exact, len }, NOW_S, out);
	free(exact);
	return err;
}

static struct claims claims_good(void)
{
	struct claims claims = { .issued_at_s = NOW_S, .expires_at_s = NOW_S + 900 };
	assert_int_equal(uuid_parse(STR(SUB), &claims.user_id), OK);
	assert_int_equal(uuid_parse(STR(SID), &claims.session_id), OK);
	assert_int_equal(uuid_parse(STR(JTI), &claims.token_id), OK);
	strcpy(claims.device_id, "phone");
	return claims;
}

static void signed_is_verified(void **state)
{
	(void)state;
	struct claims claims = claims_good(), read;
	char token[JOSE_TOKEN_MAX];
	size_t len;
	assert_int_equal(jose_sign(signer, ISSUER, AUDIENCE, &claims, token, &len), OK);
	assert_int_equal(strlen(token), len);
	memset(&read, 0xff, sizeof(read));
	assert_int_equal(verify_exact(token, len, &read), OK);
	assert_true(uuid_equal(&read.user_id, &claims.user_id));
	assert_true(uuid_equal(&read.session_id, &claims.session_id));
	assert_true(uuid_equal(&read.token_id, &claims.token_id));
	assert_string_equal(read.device_id, "phone");
	assert_int_equal(read.issued_at_s, claims.issued_at_s);
	assert_int_equal(read.expires_at_s, claims.expires_at_s);
}

static void the_largest_claims_fit(void **state)
{
	(void)state;
	struct claims claims = claims_good();
	char issuer[JOSE_NAME_MAX + 1], audience[JOSE_NAME_MAX + 1], token[JOSE_TOKEN_MAX];
	size_t len;
	memset(issuer, 'i', JOSE_NAME_MAX);
	memset(audience, 'a', JOSE_NAME_MAX);
	issuer[JOSE_NAME_MAX] = audience[JOSE_NAME_MAX] = '\0';
	memset(claims.device_id, 'd', JOSE_DEVICE_MAX);
	claims.device_id[JOSE_DEVICE_MAX] = '\0';
	claims.expires_at_s = JWS_TIME_MAX_S;
	assert_int_equal(jose_sign(signer, issuer, audience, &claims, token, &len), OK);
	struct claims read;
	assert_int_equal(
		jose_verify(verifier, issuer, audience, (struct str){ token, len }, NOW_S, &read),
		OK);
	assert_string_equal(read.device_id, claims.device_id);
}

static void what_cannot_be_signed(void **state)
{
	(void)state;
	static const struct {
		const char *issuer, *audience, *device;
	} rows[] = {
		{ "", AUDIENCE, "phone" },
		{ ISSUER, "", "phone" },
		{ "a\"b", AUDIENCE, "phone" },
		{ ISSUER, "a\\b", "phone" },
		{ "a\nb", AUDIENCE, "phone" },
		{ "\xff", AUDIENCE, "phone" },
		{ ISSUER, AUDIENCE, "" },
		{ ISSUER, AUDIENCE, "a b" },
		{ ISSUER, AUDIENCE, "\",\"sub\":\"" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct claims claims = claims_good();
		char token[JOSE_TOKEN_MAX];
		size_t len = 7;
		strcpy(claims.device_id, rows[i].device);
		if (jose_sign(signer, rows[i].issuer, rows[i].audience, &claims, token, &len) !=
				ERR_INTERNAL ||
			len != 7)
			fail_msg("row %zu is signed", i);
	}
	struct claims claims = claims_good();
	char token[JOSE_TOKEN_MAX];
	size_t len;
	assert_true(jose_keys_can_sign(signer));
	assert_false(jose_keys_can_sign(verifier));
	assert_int_equal(jose_sign(verifier, ISSUER, AUDIENCE, &claims, token, &len), ERR_INTERNAL);
}

struct row {
	const char *header;
	const char *payload;
	enum err expected;
};

static const struct row rows[] = {
	{ HEADER, CLAIMS, OK },
	{ " { \"kid\" : \"%s\" ,\n\"typ\":\"at+jwt\", \"alg\":\"EdDSA\" } ", CLAIMS,
		ERR_UNAUTHORIZED },
	{ "{ \"kid\" : \"%s\" ,\n\"typ\":\"at+jwt\", \"alg\":\"EdDSA\" } ", CLAIMS, OK },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"jku\":\"x\"," KID "}", CLAIMS, OK },

	/* the header */
	{ "{\"alg\":\"none\",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"None\",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"eddsa\",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA \",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"\\u0045dDSA\",\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":[\"EdDSA\"],\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":null,\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"typ\":\"at+jwt\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"," KID "}", CLAIMS,
		ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"\"}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"../../dev/null\"}", CLAIMS,
		ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s \"}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":1}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"crit\":[]," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"crit\":null," KID "}", CLAIMS,
		ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"b64\":true," KID "}", CLAIMS, ERR_UNAUTHORIZED },
	{ "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"\\u0063rit\":[]," KID "}", CLAIMS,
		ERR_UNAUTHORIZED },
	{ "[\"EdDSA\"]", CLAIMS, ERR_UNAUTHORIZED },
	{ "\"EdDSA\"", CLAIMS, ERR_UNAUTHORIZED },
	{ "{", CLAIMS, ERR_UNAUTHORIZED },
	{ HEADER "x", CLAIMS, ERR_UNAUTHORIZED },
	{ "\xef\xbb\xbf" HEADER, CLAIMS, ERR_UNAUTHORIZED },

	/* the claims as a whole */
	{ HEADER, "{}", ERR_UNAUTHORIZED },
	{ HEADER, "[]", ERR_UNAUTHORIZED },
	{ HEADER, "null", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID, ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID "}{}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",\"did\":\"phone\"}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",\"x\":\"\xff\"}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",\"x\":{\"exp\":1,\"y\":[[]]}}", OK },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",\"x\":[[[[1]]]]}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES DID ",\"x\":\"a\\nb\"}", ERR_UNAUTHORIZED },

	/* each claim */
	{ HEADER, "{" AUD IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{\"iss\":\"https://parley.tes\"," AUD IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{\"iss\":\"https://parley.test/\"," AUD IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{\"iss\":[\"" ISSUER "\"]," AUD IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":\"other\"," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[\"parley\"]," IDS TIMES DID "}", OK },
	{ HEADER, "{" ISS "\"aud\":[ \"a\" , \"parley\" , \"b\" ]," IDS TIMES DID "}", OK },
	{ HEADER, "{" ISS "\"aud\":[\"a\",\"b\"]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[\"a,parley\"]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[\"parley\",1]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[1,\"parley\"]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":[[\"parley\"]]," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":{\"parley\":1}," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS "\"aud\":null," IDS TIMES DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD "\"sid\":\"" SID "\",\"jti\":\"" JTI "\"," TIMES DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD "\"sub\":\"" SUB "\",\"jti\":\"" JTI "\"," TIMES DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD "\"sub\":\"" SUB "\",\"sid\":\"" SID "\"," TIMES DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER,
		"{" ISS AUD "\"sub\":\"alice\",\"sid\":\"" SID "\",\"jti\":\"" JTI "\"," TIMES DID
		"}",
		ERR_UNAUTHORIZED },
	{ HEADER,
		"{" ISS AUD "\"sub\":\"0190A000-0000-7000-8000-00000000ABCD\",\"sid\":\"" SID
		"\",\"jti\":\"" JTI "\"," TIMES DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD "\"sub\":7,\"sid\":\"" SID "\",\"jti\":\"" JTI "\"," TIMES DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"did\":\"\"}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"did\":\"a/b\"}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"did\":1}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"x\":1}", ERR_UNAUTHORIZED },
	{ HEADER,
		"{" ISS AUD IDS TIMES
		"\"did\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
		OK },
	{ HEADER,
		"{" ISS AUD IDS TIMES
		"\"did\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
		ERR_UNAUTHORIZED },

	/* times */
	{ HEADER, "{" ISS AUD IDS "\"exp\":1800000900," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000060,\"exp\":1800000900," DID "}", OK },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000061,\"exp\":1800000900," DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":0,\"exp\":1800000001," DID "}", OK },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":1800000000," DID "}",
		ERR_TOKEN_EXPIRED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1700000000,\"exp\":1700000900," DID "}",
		ERR_TOKEN_EXPIRED },
	{ HEADER, "{\"iss\":\"x\"," AUD IDS "\"iat\":1700000000,\"exp\":1700000900," DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":1800000900.0," DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":18e8," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":\"1800000900\"," DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":99999999999999999999," DID "}",
		ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":1800000000,\"exp\":-1," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS "\"iat\":-1,\"exp\":1800000900," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"nbf\":1800000060," DID "}", OK },
	{ HEADER, "{" ISS AUD IDS TIMES "\"nbf\":1800000061," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"nbf\":\"1\"," DID "}", ERR_UNAUTHORIZED },
	{ HEADER, "{" ISS AUD IDS TIMES "\"nbf\":null," DID "}", ERR_UNAUTHORIZED },
};

static void rows_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char token[JOSE_TOKEN_MAX * 2];
		size_t len =
			token_make(rows[i].header, rows[i].payload, strlen(rows[i].payload), token);
		struct claims out, untouched;
		memset(&out, 0xa5, sizeof(out));
		memset(&untouched, 0xa5, sizeof(untouched));
		enum err err = verify_exact(token, len, &out);
		if (err != rows[i].expected)
			fail_msg("%s %s: %d, not %d", rows[i].header, rows[i].payload, (int)err,
				(int)rows[i].expected);
		if (err && memcmp(&out, &untouched, sizeof(out)) != 0)
			fail_msg("%s %s: result touched", rows[i].header, rows[i].payload);
	}
}

static void a_nul_in_the_claims_is_refused(void **state)
{
	(void)state;
	char token[JOSE_TOKEN_MAX * 2];
	static const char payload[] = CLAIMS "\0";
	struct claims claims;
	size_t len = token_make(HEADER, payload, sizeof(payload) - 1, token);
	assert_int_equal(verify_exact(token, len, &claims), ERR_UNAUTHORIZED);
}

/* Every single character of a token counts. */
static void any_change_is_refused(void **state)
{
	(void)state;
	static const char others[] = "AB-_=.+/ \n\x80\xff";
	struct claims claims = claims_good(), read;
	char token[JOSE_TOKEN_MAX];
	size_t len;
	assert_int_equal(jose_sign(signer, ISSUER, AUDIENCE, &claims, token, &len), OK);
	for (size_t i = 0; i < len; i++) {
		for (const char *c = others; *c; c++) {
			char saved = token[i];
			if (saved == *c)
				continue;
			token[i] = *c;
			if (verify_exact(token, len, &read) != ERR_UNAUTHORIZED)
				fail_msg("'%c' instead of '%c' at %zu of %s", *c, saved, i, token);
			token[i] = saved;
		}
	}
	for (size_t shorter = 0; shorter < len; shorter++)
		assert_int_equal(verify_exact(token, shorter, &read), ERR_UNAUTHORIZED);
	strcpy(token + len, "A");
	assert_int_equal(verify_exact(token, len + 1, &read), ERR_UNAUTHORIZED);
	assert_int_equal(verify_exact(token, len, &read), OK);
}

static void lengths_are_bounded(void **state)
{
	(void)state;
	char payload[JOSE_TOKEN_MAX], token[JOSE_TOKEN_MAX * 2];
	struct claims claims;
	/* Blanks behind the claims are JSON still: only the length differs. */
	for (size_t pad = 2500; pad < 3100; pad++) {
		size_t at = strlen(CLAIMS);
		memcpy(payload, CLAIMS, at);
		memset(payload + at, ' ', pad - at);
		size_t len = token_make(HEADER, payload, pad, token);
		enum err expected = len <= JOSE_TOKEN_MAX ? OK : ERR_UNAUTHORIZED;
		enum err err = verify_exact(token, len, &claims);
		if (err != expected)
			fail_msg("token of %zu bytes: %d", len, (int)err);
	}
}

static void a_foreign_key_is_refused(void **state)
{
	(void)state;
	struct claims claims = claims_good(), read;
	char token[JOSE_TOKEN_MAX];
	size_t len;
	assert_int_equal(jose_sign(other, ISSUER, AUDIENCE, &claims, token, &len), OK);
	assert_int_equal(verify_exact(token, len, &read), ERR_UNAUTHORIZED);

	/* under the name of the right one */
	struct jose_keys forged = *other;
	memcpy(forged.keys[0].header, signer->keys[0].header, sizeof(forged.keys[0].header));
	assert_int_equal(jose_sign(&forged, ISSUER, AUDIENCE, &claims, token, &len), OK);
	assert_int_equal(verify_exact(token, len, &read), ERR_UNAUTHORIZED);
}

/* RFC 8037 appendix A.3. */
static void the_key_id_is_the_thumbprint(void **state)
{
	(void)state;
	static const char x[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
	struct key key = { 0 };
	size_t len;
	assert_true(text_from_base64url(
		(struct str){ x, strlen(x) }, key.public_key, sizeof(key.public_key), &len));
	key_name(&key);
	assert_string_equal(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/* RFC 8037 appendix A.4. */
static void a_published_signature_is_verified(void **state)
{
	(void)state;
	static const char x[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
	static const char jws[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
				  "hgyY0il_MGCjP0JzlnLWG1PPOt7-"
				  "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
	struct key key = { 0 };
	struct jws parts;
	size_t len;
	assert_true(text_from_base64url(
		(struct str){ x, strlen(x) }, key.public_key, sizeof(key.public_key), &len));
	assert_true(jws_split((struct str){ jws, strlen(jws) }, &parts));
	assert_true(signature_ok(&key, &parts));
	parts.covered.len--;
	assert_false(signature_ok(&key, &parts));
}

static void key_files(void **state)
{
	(void)state;
	char both[160], twice[160], with_rsa[160], with_nothing[160], many[2000] = "";
	snprintf(both, sizeof(both), " %s  %s ", public_path, other_path);
	snprintf(twice, sizeof(twice), "%s %s", public_path, private_path);
	snprintf(with_rsa, sizeof(with_rsa), "%s %s", public_path, rsa_path);
	snprintf(with_nothing, sizeof(with_nothing), "%s %s/none", public_path, directory);
	for (int i = 0; i <= FILES_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s ", public_path);
	const struct {
		const char *paths;
		enum err expected;
		bool can_sign;
	} files[] = {
		{ private_path, OK, true },
		{ public_path, OK, false },
		{ both, OK, true },
		{ twice, OK, true },
		{ with_rsa, ERR_INTERNAL, 0 },
		{ with_nothing, ERR_INTERNAL, 0 },
		{ "", ERR_INTERNAL, 0 },
		{ "  ", ERR_INTERNAL, 0 },
		{ directory, ERR_INTERNAL, 0 },
		{ "/dev/zero", ERR_INTERNAL, 0 },
		{ "/etc/passwd", ERR_INTERNAL, 0 },
		{ locked_path, ERR_INTERNAL, 0 },
		{ many, ERR_INTERNAL, 0 },
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct jose_keys *keys = NULL;
		enum err err = jose_keys_load(files[i].paths, &keys);
		if (err != files[i].expected || (err != OK) != (keys == NULL))
			fail_msg("\"%s\": %d", files[i].paths, (int)err);
		if (keys && jose_keys_can_sign(keys) != files[i].can_sign)
			fail_msg("\"%s\" can%s sign", files[i].paths,
				files[i].can_sign ? "not" : "");
		jose_keys_free(keys);
	}
	jose_keys_free(NULL);
}

static void one_set_covers_another(void **state)
{
	(void)state;
	char both[160];
	struct jose_keys *all;
	snprintf(both, sizeof(both), "%s %s", other_path, public_path);
	assert_int_equal(jose_keys_load(both, &all), OK);
	assert_true(jose_keys_cover(all, verifier));
	assert_true(jose_keys_cover(all, other));
	assert_true(jose_keys_cover(signer, verifier));
	assert_false(jose_keys_cover(verifier, all));
	assert_false(jose_keys_cover(other, verifier));

	/* each token is verified by the key that it names */
	struct claims claims = claims_good(), read;
	char token[JOSE_TOKEN_MAX];
	size_t len;
	struct jose_keys *signers[] = { signer, other };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(jose_sign(signers[i], ISSUER, AUDIENCE, &claims, token, &len), OK);
		assert_int_equal(jose_verify(all, ISSUER, AUDIENCE, (struct str){ token, len },
					 NOW_S, &read),
			OK);
	}
	jose_keys_free(all);
}

/* --- several keys in a file --- */

/* The public half of a set's first key, as PEM. */
static void public_pem(const struct jose_keys *keys, char out[256])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, keys->keys[0].public_key, sizeof(keys->keys[0].public_key));
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
	size_t len = (size_t)BIO_get_mem_data(bio, &text);
	assert_true(len < 256);
	memcpy(out, text, len);
	out[len] = '\0';
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void file_write(const char *path, const char *text)
{
	FILE *file = open_new(path);
	fputs(text, file);
	fclose(file);
}

/* As it is done in earnest: whole, or not at all. */
static void file_replace(const char *path, const char *text)
{
	char beside[80];
	snprintf(beside, sizeof(beside), "%s.new", path);
	file_write(beside, text);
	assert_int_equal(rename(beside, path), 0);
}

static void several_keys_in_a_file(void **state)
{
	(void)state;
	char first[256], second[256], cut[256], private[512], text[JOSE_KEYS_MAX * 300];
	public_pem(signer, first);
	public_pem(other, second);
	snprintf(cut, sizeof(cut), "%.60s", second);
	FILE *file = fopen(private_path, "r");
	size_t len = fread(private, 1, sizeof(private) - 1, file);
	private[len] = '\0';
	fclose(file);

	const struct {
		const char *parts[4];
		size_t count; /* 0: refused */
		bool can_sign;
	} files[] = {
		{ { first, second }, 2, false },
		{ { "# since today\n", first, "\n\nretired: now\n", second }, 2, false },
		{ { first, second, "# end" }, 2, false },
		{ { first, first }, 1, false },
		{ { first, second, first, second }, 2, false },
		{ { first, private }, 1, true },
		{ { private, second, first }, 2, true },
		{ { first, cut }, 0, false },
		{ { cut, first }, 0, false },
		{ { first, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }, 0,
			false },
		{ { first, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" }, 0,
			false },
		{ { first, "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n" }, 0,
			false },
		{ { "nothing but text\n" }, 0, false },
		{ { "" }, 0, false },
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct jose_keys *keys = NULL;
		text[0] = '\0';
		for (int part = 0; part < 4 && files[i].parts[part]; part++)
			strcat(text, files[i].parts[part]);
		enum err err = jose_keys_parse(str_of(text), &keys);
		if (err != (files[i].count ? OK : ERR_INVALID_INPUT))
			fail_msg("row %zu: %d", i, (int)err);
		if (!err && (jose_keys_count(keys) != files[i].count ||
				    jose_keys_can_sign(keys) != files[i].can_sign))
			fail_msg("row %zu: %zu keys", i, jose_keys_count(keys));
		if (!err && files[i].can_sign)
			assert_string_equal(jose_keys_signer(keys), signer->keys[0].kid);
		jose_keys_free(keys);
	}

	/* as many as a set holds, and one more */
	text[0] = '\0';
	for (int i = 0; i <= JOSE_KEYS_MAX; i++) {
		struct jose_keys made = { .count = 1 }, *keys = NULL;
		memset(made.keys[0].public_key, i + 1, sizeof(made.keys[0].public_key));
		public_pem(&made, first);
		strcat(text, first);
		enum err err = jose_keys_parse(str_of(text), &keys);
		assert_int_equal(err, i < JOSE_KEYS_MAX ? OK : ERR_INVALID_INPUT);
		jose_keys_free(keys);
	}
}

static enum err verify_with(struct jose_keys *keys, struct jose_keys *by)
{
	struct claims claims = claims_good(), read;
	char token[JOSE_TOKEN_MAX];
	size_t len;
	assert_int_equal(jose_sign(by, ISSUER, AUDIENCE, &claims, token, &len), OK);
	return jose_verify(keys, ISSUER, AUDIENCE, (struct str){ token, len }, NOW_S, &read);
}

/* What is put in place is known when it is first needed; what is broken changes nothing. */
static void files_are_looked_at_again(void **state)
{
	(void)state;
	char path[64], first[256], second[256], both[600];
	struct jose_keys *keys, *before, *after;
	path_of(path, "changing.pub");
	public_pem(signer, first);
	public_pem(other, second);
	snprintf(both, sizeof(both), "%s\n%s", first, second);
	file_replace(path, first);
	assert_int_equal(jose_keys_load(path, &keys), OK);
	assert_int_equal(jose_keys_load(path, &before), OK);
	assert_int_equal(verify_with(keys, signer), OK);
	assert_int_equal(verify_with(keys, other), ERR_UNAUTHORIZED);

	file_replace(path, "half a ke");
	assert_int_equal(verify_with(keys, other), ERR_UNAUTHORIZED);
	assert_int_equal(verify_with(keys, signer), OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(verify_with(keys, other), ERR_UNAUTHORIZED);
	assert_int_equal(verify_with(keys, signer), OK);

	file_replace(path, both);
	assert_int_equal(verify_with(keys, other), OK);
	assert_int_equal(verify_with(keys, signer), OK);
	assert_int_equal(jose_keys_load(path, &after), OK);
	assert_true(jose_keys_cover(after, keys));

	/* one that was lost on the way is missed by whoever asks at last */
	file_replace(path, second);
	assert_int_equal(verify_with(keys, signer), OK);
	assert_int_equal(verify_with(before, other), OK);
	assert_int_equal(verify_with(before, signer), ERR_UNAUTHORIZED);
	jose_keys_free(after);
	assert_int_equal(jose_keys_load(path, &after), OK);
	assert_false(jose_keys_cover(after, before));
	jose_keys_free(after);
	jose_keys_free(before);
	jose_keys_free(keys);
	unlink(path);
}

/* Whoever signs, signs with the key that is in place. */
static void the_signing_key_is_looked_at_again(void **state)
{
	(void)state;
	char path[64];
	struct jose_keys *keys;
	path_of(path, "changing.key");
	assert_int_equal(link(private_path, path), 0);
	assert_int_equal(jose_keys_load(path, &keys), OK);
	assert_int_equal(verify_with(signer, keys), OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(verify_with(signer, keys), OK);
	file_write(path, "half a ke");
	assert_int_equal(verify_with(signer, keys), OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other_path, path), 0);
	assert_int_equal(verify_with(other, keys), OK);
	assert_string_equal(jose_keys_signer(keys), other->keys[0].kid);
	/* a public half alone is no key to sign with */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(public_path, path), 0);
	assert_int_equal(verify_with(other, keys), OK);
	jose_keys_free(keys);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_is_verified),
		cmocka_unit_test(the_largest_claims_fit),
		cmocka_unit_test(what_cannot_be_signed),
		cmocka_unit_test(rows_are_judged),
		cmocka_unit_test(a_nul_in_the_claims_is_refused),
		cmocka_unit_test(any_change_is_refused),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(a_foreign_key_is_refused),
		cmocka_unit_test(the_key_id_is_the_thumbprint),
		cmocka_unit_test(a_published_signature_is_verified),
		cmocka_unit_test(key_files),
		cmocka_unit_test(one_set_covers_another),
		cmocka_unit_test(several_keys_in_a_file),
		cmocka_unit_test(files_are_looked_at_again),
		cmocka_unit_test(the_signing_key_is_looked_at_again),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
