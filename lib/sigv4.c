/* AWS Signature Version 4 in the query (sigv4.h). Called by lib/s3.c. */
#include "lib/sigv4.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/log.h"

enum {
	HASH_BYTES = 32,
	OWN_PARAMS = 5, /* X-Amz-Algorithm to X-Amz-SignedHeaders */
	DATE_LEN = 8,	/* 20130524 */
	TIME_LEN = 16,	/* 20130524T000000Z */
	SCOPE_MAX = 256,
	/* so that what a secret begins is never copied to grow */
	SECRET_MAX = 256,
};

/* A parameter in a buffer, encoded. */
struct encoded {
	struct str name, value;
};

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* --- how it is written --------------------------------------------------------------------------
 */

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~", c));
}

/* Everything that RFC 3986 does not leave as it is, in capitals; a slash where it is told to. */
static void encode(struct buf *out, struct str text, bool slash)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_unreserved((char)c) || (c == '/' && !slash)) {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add(out, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

static void hex_add(struct buf *out, const unsigned char hash[HASH_BYTES])
{
	for (size_t i = 0; i < HASH_BYTES; i++)
		buf_printf(out, "%02x", hash[i]);
}

/* --- hashes -------------------------------------------------------------------------------------
 */

static void hmac(const void *key, size_t key_len, struct str text, unsigned char out[HASH_BYTES])
{
	unsigned len = HASH_BYTES;
	if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text.ptr, text.len, out,
		    &len))
		fatal("HMAC-SHA256 cannot be had");
}

static void sha256(struct str text, unsigned char out[HASH_BYTES])
{
	if (EVP_Digest(text.ptr, text.len, out, NULL, EVP_sha256(), NULL) != 1)
		fatal("SHA-256 cannot be had");
}

/* The key of a day, a region and a service. */
static void signing_key(const struct sigv4_key *key, struct str date, unsigned char out[HASH_BYTES])
{
	char secret[SECRET_MAX];
	int len =
		snprintf(secret, sizeof(secret), "AWS4%.*s", (int)key->secret.len, key->secret.ptr);
	assert(len > 0 && len < SECRET_MAX);
	hmac(secret, (size_t)len, date, out);
	hmac(out, HASH_BYTES, key->region, out);
	hmac(out, HASH_BYTES, key->service, out);
	hmac(out, HASH_BYTES, STR("aws4_request"), out);
	explicit_bzero(secret, sizeof(secret));
}

/* --- what is signed -----------------------------------------------------------------------------
 */

static struct str encoded_of(struct buf *buf, struct str text)
{
	size_t start = buf->len;
	encode(buf, text, true);
	return (struct str){ buf->data + start, buf->len - start };
}

static int str_compare(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* By name, then by value; both as they are encoded. */
static bool comes_before(const struct encoded *a, const struct encoded *b)
{
	int order = str_compare(a->name, b->name);
	return order != 0 ? order < 0 : str_compare(a->value, b->value) < 0;
}

/* Appends the query in its order. */
static void query_add(struct buf *out, const struct sigv4_param *params, size_t count)
{
	struct encoded sorted[SIGV4_PARAMS_MAX + OWN_PARAMS];
	struct buf text = { 0 };
	size_t bytes = 1;
	for (size_t i = 0; i < count; i++)
		bytes += 3 * (params[i].name.len + params[i].value.len);
	buf_reserve(&text, bytes); /* it does not move any more */
	for (size_t i = 0; i < count; i++) {
		struct encoded next = { encoded_of(&text, params[i].name),
			encoded_of(&text, params[i].value) };
		size_t at = i;
		for (; at > 0 && comes_before(&next, &sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = next;
	}
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%.*s=%.*s", i > 0 ? "&" : "", (int)sorted[i].name.len,
			sorted[i].name.ptr, (int)sorted[i].value.len, sorted[i].value.ptr);
	buf_free(&text);
}

static void time_write(int64_t at_s, char out[TIME_LEN + 1])
{
	struct tm tm;
	time_t at = (time_t)at_s;
	gmtime_r(&at, &tm);
	strftime(out, TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm);
}

/* Path and query, without the signature. */
static void target_add(struct buf *out, const struct sigv4_key *key,
	const struct sigv4_request *request, const char *time, const char *scope)
{
	char credential[2 * SCOPE_MAX], expires[16];
	struct sigv4_param params[SIGV4_PARAMS_MAX + OWN_PARAMS];
	assert(request->nparams <= SIGV4_PARAMS_MAX);
	snprintf(credential, sizeof(credential), "%.*s/%s", (int)key->id.len, key->id.ptr, scope);
	snprintf(expires, sizeof(expires), "%d", request->expires_s);
	const struct sigv4_param own[OWN_PARAMS] = {
		{ STR("X-Amz-Algorithm"), str_of(algorithm) },
		{ STR("X-Amz-Credential"), str_of(credential) },
		{ STR("X-Amz-Date"), str_of(time) },
		{ STR("X-Amz-Expires"), str_of(expires) },
		{ STR("X-Amz-SignedHeaders"), STR("host") },
	};
	memcpy(params, own, sizeof(own));
	if (request->nparams > 0)
		memcpy(params + OWN_PARAMS, request->params, request->nparams * sizeof(*params));
	encode(out, request->path, false);
	buf_add_char(out, '?');
	query_add(out, params, OWN_PARAMS + request->nparams);
}

/* The hash of the request as both sides write it; target is its path and query. */
static void request_hash(
	const struct sigv4_request *request, struct str target, unsigned char out[HASH_BYTES])
{
	struct buf canonical = { 0 };
	const char *mark = memchr(target.ptr, '?', target.len);
	int path_len = (int)(mark - target.ptr);
	buf_printf(&canonical, "%.*s\n%.*s\n%.*s\nhost:%.*s\n\nhost\n%.*s",
		(int)request->method.len, request->method.ptr, path_len, target.ptr,
		(int)target.len - path_len - 1, mark + 1, (int)request->host.len, request->host.ptr,
		(int)request->payload.len, request->payload.ptr);
	sha256((struct str){ canonical.data, canonical.len }, out);
	buf_free(&canonical);
}

void sigv4_presign(
	const struct sigv4_key *key, const struct sigv4_request *request, struct buf *out)
{
	char time[TIME_LEN + 1], scope[SCOPE_MAX];
	unsigned char day_key[HASH_BYTES], hash[HASH_BYTES];
	struct buf text = { 0 };
	size_t start = out->len;
	time_write(request->at_s, time);
	snprintf(scope, sizeof(scope), "%.*s/%.*s/%.*s/aws4_request", DATE_LEN, time,
		(int)key->region.len, key->region.ptr, (int)key->service.len, key->service.ptr);
	target_add(out, key, request, time, scope);

	request_hash(request, (struct str){ out->data + start, out->len - start }, hash);
	buf_printf(&text, "%s\n%s\n%s\n", algorithm, time, scope);
	hex_add(&text, hash);
	signing_key(key, (struct str){ time, DATE_LEN }, day_key);
	hmac(day_key, HASH_BYTES, (struct str){ text.data, text.len }, hash);
	explicit_bzero(day_key, sizeof(day_key));
	buf_free(&text);

	buf_add_string(out, "&X-Amz-Signature=");
	hex_add(out, hash);
}
