/* Files on their way in (upload.h). Called by rest/handler/attachment.c. */
#include "rest/upload.h"

#include <openssl/evp.h>
#include <unistd.h>

#include "lib/filename.h"
#include "lib/log.h"
#include "lib/multipart.h"

enum {
	PIECE_BYTES = 64 * 1024,
	PARTS_MAX = 16,
	FORM_BYTES =
		64 *
		1024, /* that a form may put around a file; the web servers let as much through */
};

/* An upload that is under way. */
struct intake {
	struct request *req;
	struct upload *upload;
	EVP_MD_CTX *hash;
	int64_t max;
	int nparts;    /* of a form, so far */
	bool in_file;  /* the part that comes is the file */
	bool had_file; /* and it has been there */
};

static void upload_end(void *context)
{
	struct upload *upload = context;

	blob_spool_end(upload->dir, &upload->spool);
	blob_spool_end(upload->dir, &upload->thumbnail);
	if (upload->dir >= 0)
		close(upload->dir);
}

static void hash_free(void *context)
{
	EVP_MD_CTX_free(context);
}

static enum err intake_begin(struct request *req, int64_t max, struct intake *out)
{
	struct upload *upload = arena_alloc(req->arena, sizeof(*upload));
	enum err err;

	*upload = (struct upload){ .dir = -1, .spool.fd = -1, .thumbnail.fd = -1 };
	arena_defer(req->arena, upload_end, upload);
	*out = (struct intake){ .req = req, .upload = upload, .max = max };
	out->hash = EVP_MD_CTX_new();
	if (!out->hash)
		fatal("out of memory");
	arena_defer(req->arena, hash_free, out->hash);
	if (EVP_DigestInit_ex(out->hash, EVP_sha256(), NULL) != 1)
		return ERR_INTERNAL;
	err = blob_dir_open(req->conf->attachments_dir, &upload->dir);
	if (err != OK)
		return err;
	blob_dir_clean(upload->dir);
	err = blob_spool_begin(upload->dir, &upload->spool);
	return err == OK ? blob_spool_begin(upload->dir, &upload->thumbnail) : err;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static enum err file_take(struct intake *intake, struct str piece)
{
	struct upload *upload = intake->upload;

	upload->size += (int64_t)piece.len;
	if (upload->size > intake->max)
		return ERR_TOO_LARGE;
	if (EVP_DigestUpdate(intake->hash, piece.ptr, piece.len) != 1)
		return ERR_INTERNAL;
	return blob_spool_write(&upload->spool, piece.ptr, piece.len);
}

/* Its name: a fault when it has none that is of use. */
static enum err file_name(struct intake *intake, struct str disposition, bool form)
{
	struct request *req = intake->req;
	enum err err = filename_of(req->arena, disposition, form, &intake->upload->name);

	if (err == ERR_NOT_FOUND)
		fault_add(&req->faults, "filename", "required",
			"Content-Disposition must name the file.");
	else if (err == ERR_INVALID_INPUT)
		fault_add(&req->faults, "filename", "bad_format", "It must be UTF-8.");
	else if (err != OK)
		req->detail = "Content-Disposition is not well-formed.";
	return err == ERR_NOT_FOUND || err == ERR_INVALID_INPUT ? OK : err;
}

static enum err file_finish(struct intake *intake)
{
	struct request *req = intake->req;
	unsigned len;

	if (intake->upload->size == 0)
		fault_add(&req->faults, "file", "empty", "It must not be empty.");
	if (EVP_DigestFinal_ex(intake->hash, intake->upload->sha256, &len) != 1)
		return ERR_INTERNAL;
	return request_check(req);
}

/* ---- a form -----------------------------------------------------------------------------------
 */

static enum err part_head(void *context, struct str head)
{
	struct intake *intake = context;
	struct str disposition = multipart_header(head, "Content-Disposition"), field;

	if (++intake->nparts > PARTS_MAX ||
		header_parameter(intake->req->arena, disposition, "name", &field) != OK)
		return ERR_MALFORMED;
	intake->in_file = str_equal(field, STR("file"));
	if (!intake->in_file)
		return OK; /* a field that is not known is ignored */
	if (intake->had_file) {
		fault_add(&intake->req->faults, "file", "duplicate", "One file at a time.");
		return ERR_INVALID_INPUT;
	}
	intake->had_file = true;
	return file_name(intake, disposition, true);
}

static enum err part_content(void *context, struct str piece)
{
	struct intake *intake = context;

	return intake->in_file ? file_take(intake, piece) : OK;
}

static enum err part_end(void *context)
{
	((struct intake *)context)->in_file = false;
	return OK;
}

/* ---- the body ---------------------------------------------------------------------------------
 */

/* Hands over the body piece by piece: to the form, or to the file where there is none. */
static enum err body_read(struct intake *intake, struct multipart *form, int64_t size)
{
	const struct gateway *gateway = intake->req->gateway;
	char *bytes = arena_alloc(intake->req->arena, PIECE_BYTES);
	enum err err = OK;

	while (size > 0 && err == OK) {
		struct str piece = { bytes, size < PIECE_BYTES ? (size_t)size : PIECE_BYTES };

		piece.len = gateway->read(gateway->context, bytes, piece.len);
		if (piece.len == 0) {
			intake->req->detail = "The body ended early.";
			return ERR_MALFORMED;
		}
		size -= (int64_t)piece.len;
		err = form ? multipart_feed(form, piece) : file_take(intake, piece);
	}
	return err;
}

static enum err raw_read(struct intake *intake, int64_t size)
{
	enum err err =
		file_name(intake, request_header(intake->req, "HTTP_CONTENT_DISPOSITION"), false);

	if (err == OK)
		err = request_check(intake->req);
	return err == OK ? body_read(intake, NULL, size) : err;
}

static enum err form_read(struct intake *intake, int64_t size)
{
	struct request *req = intake->req;
	struct multipart_sink sink = { intake, part_head, part_content, part_end };
	struct multipart *form = arena_alloc(req->arena, sizeof(*form));
	enum err err =
		multipart_begin(req->arena, request_header(req, "CONTENT_TYPE"), &sink, form);

	if (err == OK)
		err = body_read(intake, form, size);
	if (err == OK)
		err = multipart_finish(form);
	if (err == ERR_MALFORMED && !req->detail)
		req->detail = "The form is not well-formed.";
	if (err == OK && !intake->had_file)
		fault_add(&req->faults, "file", "required", "The form must have a file.");
	return err == OK && !intake->had_file ? ERR_INVALID_INPUT : err;
}

enum err upload_read(struct request *req, int64_t max, struct upload **out)
{
	struct str length = request_header(req, "CONTENT_LENGTH");
	bool is_form = multipart_is(request_header(req, "CONTENT_TYPE"));
	struct intake intake;
	long long size = 0;
	enum err err;

	if (length.len > 0 && !text_parse_int(length, 0, INT64_MAX, &size))
		return ERR_MALFORMED;
	if (request_header(req, "HTTP_CONTENT_ENCODING").len > 0) {
		req->detail = "The body must not be compressed.";
		return ERR_UNSUPPORTED_MEDIA_TYPE;
	}
	if (size > max + (is_form ? FORM_BYTES : 0))
		return ERR_TOO_LARGE;
	err = intake_begin(req, max, &intake);
	if (err == OK)
		err = is_form ? form_read(&intake, size) : raw_read(&intake, size);
	if (err == OK)
		err = file_finish(&intake);
	if (err == OK)
		*out = intake.upload;
	return err;
}
