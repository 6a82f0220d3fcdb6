/* Attachments in a bucket (bucket.h). Called by rest/handler/. */
#include "rest/bucket.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/s3.h"
#include "lib/time.h"
#include "rest/child.h"

enum {
	PUT_MS =
		600000, /* of one file; who takes less than that lets a gigabyte through at 2 MB/s */
	GRACE_MS = 5000,
	PUT_URL_S = 900,
	GET_URL_S = 60,
	ANSWER_BYTES = 1024,
};

/* --- putting ------------------------------------------------------------------------------------
 */

/* What parley-bucket reads: a line a file. */
static void requests_write(
	struct buf *out, const struct conf *conf, const struct bucket_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char key[BLOB_KEY_BYTES];
		blob_key(&files[i].name, key);
		buf_printf(out, "PUT %d ", CHILD_FIRST_FILE + (int)i);
		s3_url(conf, "PUT", key, NULL, 0, time_now_us(), PUT_URL_S, out);
		buf_add_char(out, '\n');
	}
}

/* A pipe that holds text, which fits into one. ERR_UNAVAILABLE, logged. */
static enum err pipe_of(struct str text, int *in)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) {
		log_error_errno("a pipe cannot be made");
		return ERR_UNAVAILABLE;
	}
	ssize_t written = write(ends[1], text.ptr, text.len);
	close(ends[1]);
	if (written == (ssize_t)text.len) {
		*in = ends[0];
		return OK;
	}
	log_error_errno("a pipe does not take a request");
	close(ends[0]);
	return ERR_UNAVAILABLE;
}

/* Are there as many answers as files, each 2xx? The first that is not is logged. */
static bool answers_ok(struct str text, size_t count)
{
	size_t good = 0;
	while (text.len > 0 && text.ptr[0] == '2') {
		const char *end = memchr(text.ptr, '\n', text.len);
		if (!end)
			break;
		text.len -= (size_t)(end + 1 - text.ptr);
		text.ptr = end + 1;
		good++;
	}
	if (good == count)
		return true;
	char line[ANSWER_BYTES];
	const char *end = memchr(text.ptr, '\n', text.len);
	snprintf(line, sizeof(line), "%.*s", end ? (int)(end - text.ptr) : 0, text.ptr);
	log_error("the bucket does not take an attachment",
		LOG_STR("answer", end ? line : "none in time"));
	return false;
}

enum err bucket_put(const struct conf *conf, const struct bucket_file *files, size_t count)
{
	char limit[16], answer[ANSWER_BYTES];
	struct child_call call = {
		.name = "parley-bucket",
		.args = { limit, conf->tls_ca },
		.nargs = conf->tls_ca[0] != '\0' ? 2 : 1,
		.nfiles = count,
		.patience_us = (int64_t)count * (PUT_MS + GRACE_MS) * 1000,
	};
	struct buf requests = { 0 };
	size_t len = 0;
	assert(count <= BUCKET_FILES_MAX && BUCKET_FILES_MAX <= (int)CHILD_FILES_MAX);
	snprintf(limit, sizeof(limit), "%d", PUT_MS);
	for (size_t i = 0; i < count; i++)
		call.files[i] = files[i].fd;
	requests_write(&requests, conf, files, count);
	enum err err = pipe_of((struct str){ requests.data, requests.len }, &call.in);
	buf_free(&requests);
	if (err != OK)
		return err;
	err = child_ask(&call, answer, sizeof(answer), &len);
	close(call.in);
	if (err != OK)
		return err;
	return answers_ok((struct str){ answer, len }, count) ? OK : ERR_UNAVAILABLE;
}

/* --- getting ------------------------------------------------------------------------------------
 */

const char *bucket_location(struct arena *arena, const struct conf *conf, const char *method,
	const char *key, struct str media_type, const char *disposition)
{
	const struct sigv4_param params[] = {
		{ STR("response-cache-control"), STR("private, no-cache") },
		{ STR("response-content-disposition"), str_of(disposition) },
		{ STR("response-content-type"), media_type },
	};
	struct buf url = { 0 };
	s3_url(conf, method, key, params, sizeof(params) / sizeof(params[0]), time_now_us(),
		GET_URL_S, &url);
	const char *copy = arena_strndup(arena, url.data, url.len);
	buf_free(&url);
	return copy;
}
