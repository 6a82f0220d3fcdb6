/* Files that were uploaded, and their thumbnails (web/api/openapi.yaml): for whom, under which conditions, and which part. */
#include "rest/handler/handler.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/disposition.h"
#include "lib/etag.h"
#include "lib/log.h"
#include "lib/s3.h"
#include "rest/bucket.h"
#include "rest/reply.h"
#include "rest/sendfile.h"
#include "sql/store/download.h"

/* What is asked for: a file's content, or its thumbnail. */
struct content {
	struct blob_name blob;
	char key[BLOB_KEY_BYTES];
	struct str name;
	struct str media_type;
	uint64_t bytes;
	const char *etag;
};

/* Same content, same tag: the hash. A thumbnail may one day be made in another way, of another size. */
static struct content content_of(
	struct arena *arena, const struct attachment *attachment, enum blob_kind kind)
{
	struct content content = {
		.blob.kind = kind,
		.name = attachment->name,
		.media_type = attachment->media_type,
		.bytes = (uint64_t)attachment->size,
	};

	memcpy(content.blob.sha256, attachment->sha256, sizeof(content.blob.sha256));
	blob_key(&content.blob, content.key);
	if (kind == BLOB_THUMBNAIL) {
		content.media_type = STR("image/webp");
		content.bytes = (uint64_t)attachment->thumbnail_bytes;
	}
	content.etag = arena_printf(
		arena, "\"%s-%" PRIu64 "\"", strchr(content.key, '/') + 1, content.bytes);
	return content;
}

/* ---- conditions (RFC 9110 section 13.2.2; there is no Last-Modified, so dates never come into it) ----------------------
 */

/* Is it what the client wants to have, and no other? */
static bool is_meant(struct request *req, struct str etag)
{
	struct str list = request_header(req, "HTTP_IF_MATCH");

	return !list.ptr || etag_listed(list, etag, false);
}

/* Is the client's own copy this one? */
static bool is_known(struct request *req, struct str etag)
{
	struct str list = request_header(req, "HTTP_IF_NONE_MATCH");

	return list.ptr && etag_listed(list, etag, true);
}

/* May there be a part: of GET alone, and with If-Range only when the rest is of this very content. */
static struct str range_wanted(struct request *req, struct str etag)
{
	struct str given = request_header(req, "HTTP_IF_RANGE");

	if (req->is_head || (given.ptr && !str_equal(given, etag)))
		return (struct str){ NULL, 0 };
	return request_header(req, "HTTP_RANGE");
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static const char *disposition(struct request *req, const struct content *content)
{
	struct buf value = { 0 };
	const char *copy;

	disposition_write(&value, content->media_type, content->name);
	copy = arena_strndup(req->arena, value.data, value.len);
	buf_free(&value);
	return copy;
}

/* A browser asks each time, since who may have it today may not tomorrow; and gets a 304. */
static void heads_of_all(struct request *req, const struct content *content)
{
	req->reply.cache_control = "private, no-cache";
	reply_head(req, "ETag", content->etag);
}

static enum err reply_known(struct request *req, const struct content *content)
{
	heads_of_all(req, content);
	reply_status(req, 304);
	return OK;
}

static enum err refuse_range(struct request *req, const struct content *content)
{
	reply_head(
		req, "Content-Range", arena_printf(req->arena, "bytes */%" PRIu64, content->bytes));
	return ERR_RANGE_NOT_SATISFIABLE;
}

/* Where it is shown, it is alone and can do nothing. */
static void heads_of_body(struct request *req, const struct content *content)
{
	reply_head(req, "Accept-Ranges", "bytes");
	reply_head(req, "Content-Disposition", disposition(req, content));
	reply_head(req, "Content-Security-Policy", "sandbox; default-src 'none'");
}

/* As long as the row says, or it is not what was uploaded. */
static enum err content_open(struct request *req, const struct content *content, int *fd)
{
	struct stat status;
	int dir;
	enum err err = blob_dir_open(req->conf->attachments_dir, &dir);

	if (err != OK)
		return err;
	err = blob_open(dir, &content->blob, fd);
	close(dir);
	if (err == OK && fstat(*fd, &status) == 0 && (uint64_t)status.st_size == content->bytes)
		return OK;
	if (err == OK)
		close(*fd);
	if (err == OK || err == ERR_NOT_FOUND) {
		log_error("an attachment is not what its row says", LOG_STR("key", content->key),
			LOG_STR("found", err == OK ? "of another size" : "not there"));
		err = ERR_INTERNAL;
	}
	return err;
}

static enum err content_send(struct request *req, const struct content *content,
	enum range_kind kind, const struct range *range)
{
	int fd;
	enum err err = content_open(req, content, &fd);

	if (err != OK)
		return err;
	heads_of_all(req, content);
	heads_of_body(req, content);
	if (kind == RANGE_PART)
		reply_head(req, "Content-Range",
			arena_printf(req->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
				range->first, range->first + range->bytes - 1, content->bytes));
	sendfile_reply(req, kind == RANGE_PART ? 206 : 200,
		arena_strndup(req->arena, content->media_type.ptr, content->media_type.len), fd,
		content->key, range);
	return OK;
}

/* Where it is in a bucket: to there, which has the rest of it to say, a part included. What headers the bucket cannot be told to send
 * it does without. */
static enum err content_redirect(struct request *req, const struct content *content)
{
	reply_head(req, "ETag", content->etag);
	reply_head(req, "Location",
		bucket_location(req->arena, req->conf, req->is_head ? "HEAD" : "GET", content->key,
			content->media_type, disposition(req, content)));
	reply_status(req, 302);
	req->reply.content_type = NULL;
	return OK;
}

/* In the order of RFC 9110 section 13.2.2. */
static enum err content_answer(struct request *req, const struct content *content)
{
	struct str etag = str_of(content->etag);
	struct range range;
	enum range_kind kind;

	if (!is_meant(req, etag))
		return ERR_PRECONDITION_FAILED;
	if (is_known(req, etag))
		return reply_known(req, content);
	if (s3_used(req->conf))
		return content_redirect(req, content);
	kind = range_read(range_wanted(req, etag), content->bytes, &range);
	if (kind == RANGE_UNSATISFIABLE)
		return refuse_range(req, content);
	return content_send(req, content, kind, &range);
}

static enum err download(struct request *req, enum blob_kind kind)
{
	struct attachment attachment;
	struct content content;
	enum err err = db_attachment_for_reader(
		req->db, req->arena, &req->ids[0], &req->caller.user_id, &attachment);

	if (err != OK)
		return err;
	if (kind == BLOB_THUMBNAIL && attachment.thumbnail_bytes == 0)
		return ERR_NOT_FOUND;
	content = content_of(req->arena, &attachment, kind);
	return content_answer(req, &content);
}

enum err download_content(struct request *req)
{
	return download(req, BLOB_CONTENT);
}

enum err download_thumbnail(struct request *req)
{
	return download(req, BLOB_THUMBNAIL);
}
