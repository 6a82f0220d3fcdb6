/*
 * Access tokens, see the header. Everything a token says is judged from the raw spelling of its
 * JSON: tokens are made by jose_sign or by somebody who spells as it does, so there is no reason to
 * accept escapes, and what never allocates can run inside the broker.
 *
 * OpenSSL reads the PEM files. Signatures are libsodium's: its Ed25519 verifies twice as fast as
 * that of OpenSSL 3.0 (72 against 155 microseconds, measured side by side) and allocates nothing.
 */
#include "lib/jose.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "lib/json_read.h"
#include "lib/jws.h"
#include "lib/log.h"
#include "lib/topic.h"

enum {
	FILES_MAX = 16,
	PEM_BYTES_MAX = 16384,
	SIGNATURE_BYTES = crypto_sign_ed25519_BYTES,
	SIGNATURE_TEXT_LEN = 86,
	HEADER_BYTES_MAX = 512,
	PAYLOAD_BYTES_MAX = 3072, /* what fits into JOSE_TOKEN_MAX characters */
	DEPTH_MAX = 4,
	/* of base64url without padding, with the NUL that libsodium wants room for */
	KID_TEXT_BYTES = JOSE_KID_LEN + 1,
	HEADER_TEXT_BYTES = 192,
};

struct key {
	unsigned char public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
	unsigned char secret_key[crypto_sign_ed25519_SECRETKEYBYTES];
	bool is_private;
	char kid[KID_TEXT_BYTES];
	char header[HEADER_TEXT_BYTES]; /* encoded, as every token of this key begins */
};

/* What tells a file from the one that was there before, whether it was replaced or written over. */
struct mark {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
	struct timespec changed;
};

struct jose_keys {
	size_t count;
	struct key keys[JOSE_KEYS_MAX];
	bool lost; /* has a key been taken away since the set was loaded? */

	/* Where they are from; none for a set that was parsed. */
	char *paths;
	size_t nfiles;
	struct mark marks[FILES_MAX];
};

/* --- base64url (RFC 4648 section 5, no padding) --- */

static size_t encode(char *out, size_t out_size, const void *bytes, size_t len)
{
	sodium_bin2base64(out, out_size, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return strlen(out);
}

/* --- keys --- */

static struct mark mark_of(const struct stat *st)
{
	return (struct mark){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool mark_equal(const struct mark *a, const struct mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
	       time_equal(&a->modified, &b->modified) && time_equal(&a->changed, &b->changed);
}

/* Reads a whole regular file; a FIFO or device could block or never end. */
static bool file_read(const char *path, char out[PEM_BYTES_MAX], size_t *len, struct mark *mark)
{
	struct stat st = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		int why = errno;
		if (stat(path, &st) == 0)
			*mark = mark_of(&st);
		errno = why;
		return false;
	}

	bool ok = false;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
	} else if (st.st_size > PEM_BYTES_MAX) {
		errno = EFBIG;
	} else {
		ssize_t n = read(fd, out, PEM_BYTES_MAX);
		ok = n >= 0;
		*len = ok ? (size_t)n : 0;
	}
	*mark = mark_of(&st);
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

/* One block of a PEM file as a key; NULL when it is none, or locked by a passphrase. */
static EVP_PKEY *block_key(
	const char *name, const char *header, const unsigned char *der, long len, bool *is_private)
{
	*is_private = strcmp(name, PEM_STRING_PKCS8INF) == 0;
	if (header[0] != '\0')
		return NULL;
	if (*is_private)
		return d2i_AutoPrivateKey(NULL, &der, len);
	return strcmp(name, PEM_STRING_PUBLIC) == 0 ? d2i_PUBKEY(NULL, &der, len) : NULL;
}

/* The bytes of the key, as libsodium wants them; false when it is of another kind. */
static bool key_extract(const EVP_PKEY *pkey, struct key *key)
{
	if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519)
		return false;
	size_t len = sizeof(key->public_key);
	if (!key->is_private)
		return EVP_PKEY_get_raw_public_key(pkey, key->public_key, &len) == 1;

	unsigned char seed[crypto_sign_ed25519_SEEDBYTES];
	len = sizeof(seed);
	bool ok = EVP_PKEY_get_raw_private_key(pkey, seed, &len) == 1 &&
		  crypto_sign_ed25519_seed_keypair(key->public_key, key->secret_key, seed) == 0;
	explicit_bzero(seed, sizeof(seed));
	return ok;
}

/* RFC 7638: SHA-256 over the required members in lexical order, for OKP crv, kty, x (RFC 8037). */
static void key_name(struct key *key)
{
	char x[KID_TEXT_BYTES];
	encode(x, sizeof(x), key->public_key, sizeof(key->public_key));
	char jwk[128];
	int len =
		snprintf(jwk, sizeof(jwk), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(digest, (const unsigned char *)jwk, (unsigned long long)len);
	encode(key->kid, sizeof(key->kid), digest, sizeof(digest));

	char header[128];
	len = snprintf(header, sizeof(header),
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", key->kid);
	encode(key->header, sizeof(key->header), header, (size_t)len);
}

static const struct key *key_of_kid(const struct jose_keys *keys, struct str kid)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (str_equal(kid, str_of(keys->keys[i].kid)))
			return &keys->keys[i];
	}
	return NULL;
}

static const struct key *key_that_signs(const struct jose_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->keys[i].is_private)
			return &keys->keys[i];
	}
	return NULL;
}

/* Each key once: the private half of one that is there takes its place. NULL: done; else why not. */
static const char *key_add(struct jose_keys *keys, const struct key *key)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (strcmp(keys->keys[i].kid, key->kid) != 0)
			continue;
		if (key->is_private)
			keys->keys[i] = *key;
		return NULL;
	}
	if (keys->count == JOSE_KEYS_MAX)
		return "too many keys";
	keys->keys[keys->count++] = *key;
	return NULL;
}

static const char *block_add(struct jose_keys *keys, const char *name, const char *header,
	const unsigned char *der, long len)
{
	struct key key = { 0 };
	EVP_PKEY *pkey = block_key(name, header, der, len, &key.is_private);
	if (!pkey)
		return "a PEM block that is no key without passphrase";
	const char *why = "a key that is not Ed25519";
	if (key_extract(pkey, &key)) {
		key_name(&key);
		why = key_add(keys, &key);
	}
	EVP_PKEY_free(pkey);
	explicit_bzero(&key, sizeof(key));
	return why;
}

/* Adds every key of a PEM file (RFC 7468: text between the blocks is for people). NULL when all of it
 * is good and there is a key at all, else what is wrong. */
static const char *pem_add(struct jose_keys *keys, const char *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	const char *why = bio ? NULL : "out of memory";
	size_t nblocks = 0;
	char *name, *header;
	unsigned char *der;
	long der_len;
	ERR_clear_error();
	while (!why && PEM_read_bio(bio, &name, &header, &der, &der_len)) {
		why = block_add(keys, name, header, der, der_len);
		nblocks++;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)der_len);
	}
	/* no further block is the good end; anything else is a block that is cut or spoilt */
	if (!why && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		why = "a PEM block that is not whole";
	if (!why && nblocks == 0)
		why = "no PEM block";
	BIO_free(bio);
	ERR_clear_error();
	return why;
}

static enum err file_add(struct jose_keys *keys, const char *path)
{
	char pem[PEM_BYTES_MAX];
	size_t len;
	if (keys->nfiles == FILES_MAX) {
		log_error("too many key files", LOG_INT("max", FILES_MAX));
		return ERR_INTERNAL;
	}
	struct mark *mark = &keys->marks[keys->nfiles++];
	if (!file_read(path, pem, &len, mark)) {
		log_error_errno("cannot read key file", LOG_STR("path", path));
		return ERR_INTERNAL;
	}
	const char *why = pem_add(keys, pem, len);
	explicit_bzero(pem, sizeof(pem));
	if (why)
		log_error("cannot use key file", LOG_STR("path", path), LOG_STR("reason", why));
	return why ? ERR_INTERNAL : OK;
}

/* All files, also behind one that is bad, so that each has its mark. */
static enum err keys_fill(char *paths, struct jose_keys *keys)
{
	char *rest = NULL;
	enum err err = OK;
	for (char *path = strtok_r(paths, " ", &rest); path; path = strtok_r(NULL, " ", &rest)) {
		if (file_add(keys, path) != OK)
			err = ERR_INTERNAL;
	}
	if (keys->nfiles == 0) {
		log_error("no key file is named");
		err = ERR_INTERNAL;
	}
	return err;
}

/* Is a file not the one that was read, or looked at last? */
static bool files_changed(const struct jose_keys *keys)
{
	size_t i = 0;
	for (const char *at = keys->paths; at && i < keys->nfiles; i++) {
		char path[PATH_MAX];
		struct stat st = { 0 };
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (len >= sizeof(path))
			return false;
		memcpy(path, at, len);
		path[len] = '\0';
		at += len;
		if (stat(path, &st) != 0)
			st = (struct stat){ 0 };
		struct mark mark = mark_of(&st);
		if (!mark_equal(&mark, &keys->marks[i]))
			return true;
	}
	return false;
}

/* *out, with the marks of all files, also when they cannot be used; NULL when there is no memory. */
static enum err keys_read(const char *paths, struct jose_keys **out)
{
	struct jose_keys *keys = calloc(1, sizeof(*keys));
	char *copy = strdup(paths);
	enum err err = ERR_INTERNAL;
	if (keys)
		keys->paths = strdup(paths);
	if (!keys || !copy || !keys->paths) {
		log_error("out of memory");
		jose_keys_free(keys);
		keys = NULL;
	} else {
		err = keys_fill(copy, keys);
	}
	free(copy);
	*out = keys;
	return err;
}

/*
 * Takes up the files when one has changed: whoever replaces them need tell nobody. What cannot be used is
 * logged, once, and changes nothing. True when the set is a new one.
 */
static bool keys_renew(struct jose_keys *keys)
{
	if (!files_changed(keys))
		return false;
	struct jose_keys *fresh;
	enum err err = keys_read(keys->paths, &fresh);
	if (!fresh)
		return false;
	if (!err && key_that_signs(keys) && !key_that_signs(fresh)) {
		log_error("no private key in the files any more");
		err = ERR_INTERNAL;
	}
	if (err) {
		memcpy(keys->marks, fresh->marks, sizeof(keys->marks));
		log_error("the keys stay as they were");
	} else {
		bool lost = keys->lost || !jose_keys_cover(fresh, keys);
		char *paths = keys->paths;
		free(fresh->paths);
		*keys = *fresh;
		keys->paths = paths;
		keys->lost = lost;
		fresh->paths = NULL;
		log_info("keys read again", LOG_INT("keys", keys->count));
	}
	jose_keys_free(fresh);
	return err == OK;
}

/* --- form --- */

/* A strict JSON object with no escape in it, which leaves one spelling for every key and value. */
static bool object_decode(struct str text, char *out, size_t out_size, struct str *json)
{
	size_t len;
	char why[JSON_WHY_BYTES];
	if (!text_from_base64url(text, out, out_size, &len) || len == 0 || out[0] != '{')
		return false;
	*json = (struct str){ out, len };
	return !memchr(out, '\\', len) && json_scan(*json, DEPTH_MAX, why) == OK;
}

/* The bytes between the quotes. */
static bool string_get(struct str json, const char *key, struct str *out)
{
	struct str raw;
	if (!json_raw(json, key, &raw) || raw.len < 2 || raw.ptr[0] != '"')
		return false;
	*out = (struct str){ raw.ptr + 1, raw.len - 2 };
	return true;
}

static bool string_is(struct str json, const char *key, struct str wanted)
{
	struct str value;
	return string_get(json, key, &value) && str_equal(value, wanted);
}

static bool time_get(struct str json, const char *key, int64_t *out)
{
	struct str raw;
	long long value;
	if (!json_raw(json, key, &raw) || !text_parse_int(raw, 0, JWS_TIME_MAX_S, &value))
		return false;
	*out = value;
	return true;
}

static bool uuid_get(struct str json, const char *key, struct uuid *out)
{
	struct str value;
	struct uuid id;
	char canonical[UUID_TEXT_LEN + 1];
	if (!string_get(json, key, &value) || uuid_parse(value, &id) != OK)
		return false;
	uuid_format(&id, canonical);
	if (!str_equal(value, (struct str){ canonical, UUID_TEXT_LEN }))
		return false;
	*out = id;
	return true;
}

static size_t space_skip(struct str text, size_t at)
{
	while (at < text.len && strchr(" \t\r\n", text.ptr[at]))
		at++;
	return at;
}

/* One of ["a", "b"], which json_scan has found to be well-formed; anything but strings is refused.
 */
static bool array_has(struct str array, struct str wanted)
{
	bool found = false;
	size_t at = space_skip(array, 1);
	while (at < array.len && array.ptr[at] == '"') {
		const char *begin = array.ptr + at + 1;
		const char *end = memchr(begin, '"', array.len - at - 1);
		if (!end)
			return false;
		found |= str_equal((struct str){ begin, (size_t)(end - begin) }, wanted);
		at = space_skip(array, (size_t)(end + 1 - array.ptr));
		if (at < array.len && array.ptr[at] == ',')
			at = space_skip(array, at + 1);
	}
	return found && at == array.len - 1;
}

static bool audience_is(struct str json, struct str wanted)
{
	struct str raw;
	if (!json_raw(json, "aud", &raw))
		return false;
	if (raw.len > 0 && raw.ptr[0] == '[')
		return array_has(raw, wanted);
	return string_is(json, "aud", wanted);
}

/* --- verifying --- */

/* The key that the header names. One that is not known may be in the files by now. */
static const struct key *header_key(struct jose_keys *keys, struct str text)
{
	char decoded[HEADER_BYTES_MAX];
	struct str json, kid, raw;
	if (!object_decode(text, decoded, sizeof(decoded), &json))
		return NULL;
	if (!string_is(json, "alg", STR("EdDSA")) || !string_is(json, "typ", STR("at+jwt")))
		return NULL;
	if (json_raw(json, "crit", &raw) || json_raw(json, "b64", &raw))
		return NULL;
	if (!string_get(json, "kid", &kid))
		return NULL;
	const struct key *key = key_of_kid(keys, kid);
	return key || !keys_renew(keys) ? key : key_of_kid(keys, kid);
}

static bool claims_read(struct str json, struct claims *out)
{
	struct str device;
	if (!uuid_get(json, "sub", &out->user_id) || !uuid_get(json, "sid", &out->session_id) ||
		!uuid_get(json, "jti", &out->token_id))
		return false;
	if (!time_get(json, "iat", &out->issued_at_s) || !time_get(json, "exp", &out->expires_at_s))
		return false;
	if (!string_get(json, "did", &device) || !topic_device_ok(device))
		return false;
	memcpy(out->device_id, device.ptr, device.len);
	out->device_id[device.len] = '\0';
	return true;
}

static bool has_begun(struct str json, const struct claims *claims, int64_t now_s)
{
	struct str raw;
	int64_t not_before_s;
	if (claims->issued_at_s > now_s + JWS_SKEW_S)
		return false;
	if (!json_raw(json, "nbf", &raw))
		return true;
	return time_get(json, "nbf", &not_before_s) && not_before_s <= now_s + JWS_SKEW_S;
}

static bool signature_ok(const struct key *key, const struct jws *jws)
{
	unsigned char signature[SIGNATURE_BYTES];
	size_t len;
	if (!text_from_base64url(jws->signature, signature, sizeof(signature), &len) ||
		len != SIGNATURE_BYTES)
		return false;
	return crypto_sign_ed25519_verify_detached(signature,
		       (const unsigned char *)jws->covered.ptr, jws->covered.len,
		       key->public_key) == 0;
}

/* --- signing --- */

/* What can stand between quotes as it is; verifying compares raw spellings. */
static bool name_ok(struct str name)
{
	if (name.len == 0 || name.len > JOSE_NAME_MAX || !text_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		if (c < 0x20 || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static bool payload_write(const char *issuer, const char *audience, const struct claims *claims,
	char *out, size_t out_size, size_t *len)
{
	if (!name_ok(str_of(issuer)) || !name_ok(str_of(audience)) ||
		!topic_device_ok(str_of(claims->device_id)))
		return false;

	char user[UUID_TEXT_LEN + 1], session[UUID_TEXT_LEN + 1], token[UUID_TEXT_LEN + 1];
	uuid_format(&claims->user_id, user);
	uuid_format(&claims->session_id, session);
	uuid_format(&claims->token_id, token);
	int n = snprintf(out, out_size,
		"{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
		"\"jti\":\"%s\",\"sid\":\"%s\",\"did\":\"%s\"}",
		issuer, user, audience, (long long)claims->issued_at_s,
		(long long)claims->expires_at_s, token, session, claims->device_id);
	if (n < 0 || (size_t)n >= out_size)
		return false;
	*len = (size_t)n;
	return true;
}

/* --- public --- */

enum err jose_keys_load(const char *paths, struct jose_keys **out)
{
	struct jose_keys *keys;
	if (sodium_init() < 0) {
		log_error("cannot start libsodium");
		return ERR_INTERNAL;
	}
	enum err err = keys_read(paths, &keys);
	if (err) {
		jose_keys_free(keys);
		return err;
	}
	*out = keys;
	return OK;
}

enum err jose_keys_parse(struct str pem, struct jose_keys **out)
{
	struct jose_keys *keys = calloc(1, sizeof(*keys));
	if (!keys || sodium_init() < 0) {
		log_error("out of memory");
		free(keys);
		return ERR_INTERNAL;
	}
	if (pem.len > PEM_BYTES_MAX || pem_add(keys, pem.ptr, pem.len)) {
		jose_keys_free(keys);
		return ERR_INVALID_INPUT;
	}
	*out = keys;
	return OK;
}

void jose_keys_free(struct jose_keys *keys)
{
	if (!keys)
		return;
	free(keys->paths);
	explicit_bzero(keys, sizeof(*keys));
	free(keys);
}

size_t jose_keys_count(const struct jose_keys *keys)
{
	return keys->count;
}

const char *jose_keys_kid(const struct jose_keys *keys, size_t i)
{
	return keys->keys[i].kid;
}

bool jose_keys_has(const struct jose_keys *keys, const char *kid)
{
	return key_of_kid(keys, str_of(kid)) != NULL;
}

const char *jose_keys_signer(const struct jose_keys *keys)
{
	const struct key *key = key_that_signs(keys);
	return key ? key->kid : NULL;
}

bool jose_keys_can_sign(const struct jose_keys *keys)
{
	return key_that_signs(keys) != NULL;
}

bool jose_keys_cover(const struct jose_keys *keys, const struct jose_keys *old)
{
	if (old->lost)
		return false;
	for (size_t i = 0; i < old->count; i++) {
		if (!key_of_kid(keys, str_of(old->keys[i].kid)))
			return false;
	}
	return true;
}

enum err jose_sign(struct jose_keys *keys, const char *issuer, const char *audience,
	const struct claims *claims, char out[JOSE_TOKEN_MAX], size_t *len)
{
	keys_renew(keys);
	const struct key *key = key_that_signs(keys);
	char payload[1024];
	size_t payload_len;
	if (!key) {
		log_error("no private key to sign with");
		return ERR_INTERNAL;
	}
	if (!payload_write(issuer, audience, claims, payload, sizeof(payload), &payload_len)) {
		log_error("claims that no token can carry");
		return ERR_INTERNAL;
	}

	char token[JOSE_TOKEN_MAX];
	size_t at = strlen(key->header);
	memcpy(token, key->header, at);
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, payload, payload_len);

	unsigned char signature[SIGNATURE_BYTES];
	crypto_sign_ed25519_detached(
		signature, NULL, (const unsigned char *)token, at, key->secret_key);
	token[at++] = '.';
	at += encode(token + at, sizeof(token) - at, signature, sizeof(signature));
	memcpy(out, token, at + 1);
	*len = at;
	return OK;
}

enum err jose_verify(struct jose_keys *keys, const char *issuer, const char *audience,
	struct str token, int64_t now_s, struct claims *out)
{
	struct jws jws;
	if (token.len == 0 || token.len > JOSE_TOKEN_MAX || !jws_split(token, &jws) ||
		jws.signature.len != SIGNATURE_TEXT_LEN)
		return ERR_UNAUTHORIZED;
	const struct key *key = header_key(keys, jws.header);
	if (!key)
		return ERR_UNAUTHORIZED;

	/* Claims before signature: reading them costs a fifth of it, and bounds what a flood of
	 * foreign or outdated tokens can make us do. Nothing of them leaves before the signature.
	 */
	char decoded[PAYLOAD_BYTES_MAX];
	struct str json;
	struct claims claims;
	if (!object_decode(jws.payload, decoded, sizeof(decoded), &json) ||
		!claims_read(json, &claims) || !string_is(json, "iss", str_of(issuer)) ||
		!audience_is(json, str_of(audience)) || !has_begun(json, &claims, now_s))
		return ERR_UNAUTHORIZED;
	if (!signature_ok(key, &jws))
		return ERR_UNAUTHORIZED;
	if (claims.expires_at_s <= now_s)
		return ERR_TOKEN_EXPIRED;
	*out = claims;
	return OK;
}
