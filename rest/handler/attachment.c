/* Files: uploading (web/api/openapi.yaml). What is uploaded is in the store before its row is there (lib/blob.h). */
#include "rest/handler/handler.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/media_type.h"
#include "lib/model/attachment.h"
#include "lib/s3.h"
#include "rest/bucket.h"
#include "rest/media.h"
#include "rest/reply.h"
#include "rest/upload.h"
#include "sql/store/attachment.h"

static int64_t quota_of(const struct conf *conf)
{
	return (int64_t)conf->attachment_quota_mib * 1024 * 1024;
}

/* Before a body is taken in vain, and again before its content is put into place: what counts is the look when the row is made. */
static enum err room_check(struct request *req, int64_t size)
{
	int64_t quota = quota_of(req->conf), used;
	enum err err = db_attachment_used(req->db, req->arena, &req->caller.user_id, &used);

	if (err != OK)
		return err;
	return quota > 0 && used + size > quota ? ERR_QUOTA_EXCEEDED : OK;
}

static enum err media_refuse(struct request *req, const struct media *media)
{
	if (!media_types_have(str_of(req->conf->attachment_types), media->media_type)) {
		req->detail = "Files of this type are not taken here.";
		return ERR_UNSUPPORTED_MEDIA_TYPE;
	}
	if (media->picture == PICTURE_ANSWER_BROKEN)
		fault_add(&req->faults, "file", "bad_image",
			"It looks like a picture, and cannot be read as one.");
	if (media->picture == PICTURE_ANSWER_HUGE)
		fault_add(&req->faults, "file", "too_many_pixels",
			"The picture has too many pixels.");
	return request_check(req);
}

static enum err blob_place(
	struct upload *upload, struct blob_spool *spool, const struct blob_name *name)
{
	enum err err = blob_spool_flush(spool);

	return err == OK ? blob_spool_keep(upload->dir, spool, name) : err;
}

/* One that is there stays: it is what earlier rows say the size of, and another libvips makes it of another. */
static enum err thumbnail_place(
	struct upload *upload, const struct blob_name *name, int64_t *thumbnail_bytes)
{
	struct stat info = { .st_size = 0 };
	int fd;
	enum err err = blob_open(upload->dir, name, &fd);

	if (err == OK) {
		(void)fstat(fd, &info);
		close(fd);
	}
	if (err == ERR_NOT_FOUND || (err == OK && info.st_size == 0))
		return blob_place(upload, &upload->thumbnail, name);
	if (err == OK)
		*thumbnail_bytes = info.st_size;
	return err;
}

/* Content, and thumbnail where there is one, into the bucket or the directory. */
static enum err content_put(struct request *req, struct upload *upload, int64_t *thumbnail_bytes)
{
	struct bucket_file files[] = {
		{ { .kind = BLOB_CONTENT }, upload->spool.fd },
		{ { .kind = BLOB_THUMBNAIL }, upload->thumbnail.fd },
	};
	enum err err;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		memcpy(files[i].name.sha256, upload->sha256, BLOB_HASH_BYTES);
	if (s3_used(req->conf))
		return bucket_put(req->conf, files, *thumbnail_bytes > 0 ? 2 : 1);
	err = blob_place(upload, &upload->spool, &files[0].name);
	if (err == OK && *thumbnail_bytes > 0)
		err = thumbnail_place(upload, &files[1].name, thumbnail_bytes);
	return err;
}

static enum err attachment_store(
	struct request *req, struct upload *upload, struct attachment *attachment)
{
	int64_t held_until_us;
	enum err err = room_check(req, attachment->size);

	if (err == OK)
		err = db_attachment_hold(req->db, req->arena, attachment->sha256, &held_until_us);
	if (err == OK)
		err = content_put(req, upload, &attachment->thumbnail_bytes);
	if (err == OK)
		err = db_attachment_add(
			req->db, req->arena, attachment, held_until_us, quota_of(req->conf));
	return err;
}

static enum err attachment_take(struct request *req, struct attachment *out)
{
	struct upload *upload;
	struct media media;
	enum err err = room_check(req, 1);

	if (err == OK)
		err = upload_read(req, req->conf->attachment_max_bytes, &upload);
	if (err == OK)
		err = media_look(req->arena, req->worker->shm, upload->spool.fd,
			upload->thumbnail.fd, &media);
	if (err == OK)
		err = media_refuse(req, &media);
	if (err != OK)
		return err;
	*out = (struct attachment){
		.owner_id = req->caller.user_id,
		.name = upload->name,
		.media_type = media.media_type,
		.size = upload->size,
		.width = media.width,
		.height = media.height,
		.thumbnail_bytes = media.thumbnail_bytes,
	};
	uuid_new(&out->id);
	memcpy(out->sha256, upload->sha256, sizeof(out->sha256));
	return attachment_store(req, upload, out);
}

/* What refusals are counted as. */
static const struct {
	enum err err;
	enum shm_counter counter;
} refusals[] = {
	{ ERR_TOO_LARGE, SHM_UPLOADS_TOO_LARGE },
	{ ERR_QUOTA_EXCEEDED, SHM_UPLOADS_QUOTA },
	{ ERR_UNSUPPORTED_MEDIA_TYPE, SHM_UPLOADS_TYPE },
	{ ERR_INVALID_INPUT, SHM_UPLOADS_INVALID },
	{ ERR_MALFORMED, SHM_UPLOADS_BROKEN },
	{ ERR_UNAVAILABLE, SHM_UPLOADS_UNAVAILABLE },
};

static void upload_count(const struct request *req, enum err err, int64_t size)
{
	struct shm *shm = req->worker->shm;

	if (err == OK) {
		shm_count(shm, SHM_UPLOADS);
		shm_add(shm, SHM_UPLOAD_BYTES, (uint64_t)size);
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].err == err)
			shm_count(shm, refusals[i].counter);
	}
}

enum err attachment_create(struct request *req)
{
	struct attachment attachment = { .size = 0 };
	enum err err = attachment_take(req, &attachment);

	upload_count(req, err, attachment.size);
	if (err != OK)
		return err;
	attachment_write(req->out, &attachment);
	reply_status(req, 201);
	return OK;
}
