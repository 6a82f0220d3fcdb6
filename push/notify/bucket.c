/* Requests to a bucket (bucket.h). */
#include "push/notify/bucket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "push/notify/wire.h"

enum {
	SILENCE_S = 10,
	BYTES_PER_S_MIN = 1024,
	DOCUMENT_BYTES = 4096,
};

/* The beginning of what a store says of an error, which is XML. */
struct document {
	char text[DOCUMENT_BYTES + 1];
	size_t len;
};

static size_t document_take(char *bytes, size_t size, size_t count, void *ctx)
{
	struct document *document = ctx;
	size_t len = size * count, room = DOCUMENT_BYTES - document->len;
	memcpy(document->text + document->len, bytes, len < room ? len : room);
	document->len += len < room ? len : room;
	return len;
}

/* What stands in its <Code>; "" when it has none that is a word. */
static void document_code(struct document *document, char out[BUCKET_REASON_BYTES])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	document->text[document->len] = '\0';
	const char *code = strstr(document->text, "<Code>");
	size_t len = code ? strspn(code + 6, letters) : 0;
	if (len < BUCKET_REASON_BYTES)
		snprintf(out, BUCKET_REASON_BYTES, "%.*s", (int)len, code ? code + 6 : "");
}

/* A file that is sent, by a place of its own: the descriptor may be another's, too. */
struct source {
	int fd;
	off_t at;
};

static size_t source_give(char *bytes, size_t size, size_t count, void *ctx)
{
	struct source *source = ctx;
	ssize_t len;
	do
		len = pread(source->fd, bytes, size * count, source->at);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return CURL_READFUNC_ABORT;
	source->at += len;
	return (size_t)len;
}

static int source_seek(void *ctx, curl_off_t offset, int origin)
{
	struct source *source = ctx;
	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	source->at = offset;
	return CURL_SEEKFUNC_OK;
}

static void set_source(CURL *easy, struct source *source)
{
	struct stat st;
	if (fstat(source->fd, &st) != 0)
		fatal("what is to be sent is no file", LOG_STR("error", log_errno()));
	WIRE_SET(easy, CURLOPT_UPLOAD, 1L);
	WIRE_SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	WIRE_SET(easy, CURLOPT_READFUNCTION, source_give);
	WIRE_SET(easy, CURLOPT_READDATA, source);
	WIRE_SET(easy, CURLOPT_SEEKFUNCTION, source_seek);
	WIRE_SET(easy, CURLOPT_SEEKDATA, source);
}

enum err bucket_perform(CURL *easy, const char *ca, const struct bucket_request *request,
	struct bucket_answer *answer)
{
	struct document document = { .len = 0 };
	struct source source = { request->fd, 0 };
	char words[CURL_ERROR_SIZE] = "";
	/* whoever gets at the object by itself is to take it for nothing else */
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/octet-stream");
	*answer = (struct bucket_answer){ 0 };
	curl_easy_reset(easy); /* but for its connection */
	wire_set(easy, request->url, "http,https", ca, request->limit_ms);
	WIRE_SET(easy, CURLOPT_LOW_SPEED_LIMIT, (long)BYTES_PER_S_MIN);
	WIRE_SET(easy, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
	WIRE_SET(easy, CURLOPT_ERRORBUFFER, words);
	WIRE_SET(easy, CURLOPT_WRITEFUNCTION, document_take);
	WIRE_SET(easy, CURLOPT_WRITEDATA, &document);
	if (request->fd >= 0) {
		set_source(easy, &source);
		WIRE_SET(easy, CURLOPT_HTTPHEADER, headers);
	}
	WIRE_SET(easy, CURLOPT_CUSTOMREQUEST, request->method);

	CURLcode code = curl_easy_perform(easy);
	curl_slist_free_all(headers);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
	if (answer->status < 200) /* "100 Continue" is no answer */
		answer->status = 0;
	if (code == CURLE_OK && answer->status / 100 == 2)
		return OK;
	document_code(&document, answer->reason);
	if (code != CURLE_OK && answer->reason[0] == '\0')
		snprintf(answer->reason, sizeof(answer->reason), "%.*s", BUCKET_REASON_BYTES - 1,
			words[0] != '\0' ? words : curl_easy_strerror(code));
	return ERR_UNAVAILABLE;
}
