/* Where attachments are: a directory, or a bucket, and a directory for what is on its way there (doctor.h). Called by doctor.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/s3.h"
#include "lib/time.h"
#include "ops/parley/doctor.h"

enum {
	BUCKET_MS = 2500,
	BUCKET_URL_S = 60,
};

/* ---- the directory ----------------------------------------------------------------------------
 */

/* The directory, or, while nothing was uploaded, the one in which it will be made. */
static const char *directory_of(struct doctor *doctor)
{
	char *path = arena_strndup(doctor->op->arena, doctor->op->conf.attachments_dir,
		strlen(doctor->op->conf.attachments_dir));
	struct stat st;

	while (stat(path, &st) != 0 && errno == ENOENT && strrchr(path, '/') > path)
		*strrchr(path, '/') = '\0';
	return path;
}

static void store_directory(struct doctor *doctor)
{
	const char *path = directory_of(doctor);

	if (access(path, R_OK | W_OK | X_OK) != 0)
		doctor_row(doctor, DOCTOR_FAIL, "attachments",
			"Let the user of parley-rest and parley-notify write there, or set "
			"attachments_dir.",
			"%s: %s", path, strerror(errno));
	else
		doctor_row(doctor, DOCTOR_OK, "attachments", NULL, "%s in %s",
			s3_used(&doctor->op->conf) ? "pass through a directory" : "are", path);
}

/* ---- the bucket -------------------------------------------------------------------------------
 */

/* What a store says of an object that there is not; and what to do when it says something else. */
static const struct {
	const char *code;
	enum doctor_state state;
	const char *advice;
} codes[] = {
	{ "NoSuchKey", DOCTOR_OK, NULL },
	/* of a key that may not list; that it may do what it has to is not to be seen without doing it */
	{ "AccessDenied", DOCTOR_OK, NULL },
	{ "NoSuchBucket", DOCTOR_FAIL,
		"Make the bucket, or set attachments_s3_bucket, _endpoint and _path_style." },
	{ "SignatureDoesNotMatch", DOCTOR_FAIL, "Set attachments_s3_secret_key." },
	{ "InvalidAccessKeyId", DOCTOR_FAIL, "Set attachments_s3_access_key." },
	{ "RequestTimeTooSkewed", DOCTOR_FAIL, "Set this host's clock." },
	{ "", DOCTOR_FAIL,
		"Set attachments_s3_endpoint and attachments_s3_region to where the bucket is; see "
		"that it is reached from here, and with https that tls_ca knows who signed its "
		"certificate." },
};

/* Asks for an object that nobody has put there: parley-bucket reads the request from its standard input. */
static const char *bucket_says(struct doctor *doctor)
{
	char *name = arena_printf(doctor->op->arena, "%s", doctor_sibling(doctor, "parley-bucket"));
	char *limit = arena_printf(doctor->op->arena, "%d", BUCKET_MS);
	char *const arguments[] = { name, limit,
		*doctor->op->conf.tls_ca ? doctor->op->conf.tls_ca : NULL, NULL };
	struct buf line = { 0 };
	struct str out = { NULL, 0 };
	int ends[2];

	buf_add_string(&line, "GET - ");
	s3_url(&doctor->op->conf, "GET", "parley-doctor", NULL, 0, time_now_us(), BUCKET_URL_S,
		&line);
	buf_add_char(&line, '\n');
	if (pipe(ends) != 0 || write(ends[1], line.data, line.len) != (ssize_t)line.len ||
		dup2(ends[0], STDIN_FILENO) < 0)
		return strerror(errno);
	close(ends[1]);
	buf_free(&line);
	if (operator_run(doctor->op, arguments, NULL, &out) == 127 || !out.ptr || out.len == 0)
		return "parley-bucket cannot be started";
	return arena_strndup(doctor->op->arena, out.ptr, strcspn(out.ptr, "\n"));
}

static void store_bucket(struct doctor *doctor)
{
	const struct conf *conf = &doctor->op->conf;
	const char *says = bucket_says(doctor), *code = strchr(says, ' ');
	size_t i = 0;

	while (*codes[i].code && (!code || strcmp(code + 1, codes[i].code) != 0))
		i++;
	if (codes[i].state == DOCTOR_OK)
		doctor_row(doctor, DOCTOR_OK, "bucket", NULL, "%s at %s",
			conf->attachments_s3_bucket, conf->attachments_s3_endpoint);
	else
		doctor_row(doctor, codes[i].state, "bucket", codes[i].advice, "%s at %s: %s",
			conf->attachments_s3_bucket, conf->attachments_s3_endpoint, says);
}

void doctor_store(struct doctor *doctor)
{
	store_directory(doctor);
	if (s3_used(&doctor->op->conf))
		store_bucket(doctor);
}
