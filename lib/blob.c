/* Contents by their hash (blob.h). */
#include "lib/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

static const char *const suffixes[BLOB__MAX] = {
	[BLOB_CONTENT] = "",
	[BLOB_THUMBNAIL] = ".thumb",
};

void blob_key(const struct blob_name *name, char out[BLOB_KEY_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * BLOB_HASH_BYTES + 1] = "";

	for (size_t i = 0; i < BLOB_HASH_BYTES; i++) {
		hex[2 * i] = digits[name->sha256[i] >> 4];
		hex[2 * i + 1] = digits[name->sha256[i] & 15];
	}
	snprintf(out, BLOB_KEY_BYTES, "%.2s/%s%s", hex, hex, suffixes[name->kind]);
}

/* The one place that tells of a fault of the disk; errno says which. */
static enum err disk_fault(const char *what, const char *path)
{
	log_error_errno(what, LOG_STR("path", path));
	return ERR_UNAVAILABLE;
}

/* ---- the directory ----------------------------------------------------------------------------
 */

/* path and what is above it. False, with errno, when it cannot be made. */
static bool make_path(const char *path)
{
	char copy[4096];
	size_t len = strlen(path);

	if (len >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(copy, path, len + 1);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0750) != 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(copy, 0750) == 0 || errno == EEXIST;
}

enum err blob_dir_open(const char *path, int *out)
{
	int dir;

	if (!make_path(path))
		return disk_fault("cannot make the directory of attachments", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return disk_fault("cannot open the directory of attachments", path);
	if (mkdirat(dir, "tmp", 0700) != 0 && errno != EEXIST) {
		enum err err = disk_fault("cannot make a directory for what is uploaded", path);

		close(dir);
		return err;
	}
	*out = dir;
	return OK;
}

void blob_dir_clean(int dir)
{
	time_t oldest = time(NULL) - BLOB_SPOOL_MAX_AGE_S;
	int fd = openat(dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat info;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(list))) {
		if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(info.st_mode) && info.st_mtime < oldest)
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(list);
}

/* ---- files that are being written -------------------------------------------------------------
 */

enum err blob_spool_begin(int dir, struct blob_spool *out)
{
	char name[UUID_TEXT_LEN + 1];
	struct uuid id;
	int fd;

	uuid_new(&id);
	uuid_format(&id, name);
	snprintf(out->path, sizeof(out->path), "tmp/%s", name);
	fd = openat(dir, out->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return disk_fault("cannot make a file for what is uploaded", out->path);
	out->fd = fd;
	return OK;
}

enum err blob_spool_write(struct blob_spool *spool, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(spool->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return disk_fault("cannot write what is uploaded", spool->path);
		at += n;
		len -= (size_t)n;
	}
	return OK;
}

enum err blob_spool_flush(struct blob_spool *spool)
{
	if (fdatasync(spool->fd) != 0)
		return disk_fault("cannot flush what is uploaded", spool->path);
	return OK;
}

/* The names in the directory below dir are on disk. */
static enum err flush_names(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = fd >= 0 && fsync(fd) == 0
			       ? OK
			       : disk_fault("cannot flush a directory of attachments", path);

	if (fd >= 0)
		close(fd);
	return err;
}

enum err blob_spool_keep(int dir, struct blob_spool *spool, const struct blob_name *name)
{
	char key[BLOB_KEY_BYTES], below[3] = "";
	bool made;

	blob_key(name, key);
	memcpy(below, key, 2);
	made = mkdirat(dir, below, 0750) == 0;
	if (!made && errno != EEXIST)
		return disk_fault("cannot make a directory of attachments", below);
	if (renameat(dir, spool->path, dir, key) != 0)
		return disk_fault("cannot put an attachment into place", key);
	spool->path[0] = '\0'; /* there is nothing to remove any more */
	if (made && flush_names(dir, ".") != OK)
		return ERR_UNAVAILABLE;
	return flush_names(dir, below);
}

void blob_spool_end(int dir, struct blob_spool *spool)
{
	if (spool->fd < 0)
		return;
	if (spool->path[0] != '\0' && unlinkat(dir, spool->path, 0) != 0)
		log_warn_errno("what was uploaded is left behind", LOG_STR("path", spool->path));
	close(spool->fd);
	spool->fd = -1;
}

/* ---- what is there ----------------------------------------------------------------------------
 */

enum err blob_open(int dir, const struct blob_name *name, int *out)
{
	char key[BLOB_KEY_BYTES];
	int fd;

	blob_key(name, key);
	fd = openat(dir, key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd < 0)
		return disk_fault("cannot open an attachment", key);
	*out = fd;
	return OK;
}

enum err blob_remove(int dir, const struct blob_name *name)
{
	char key[BLOB_KEY_BYTES], below[3] = "";

	blob_key(name, key);
	if (unlinkat(dir, key, 0) != 0)
		return errno == ENOENT ? OK : disk_fault("cannot remove an attachment", key);
	memcpy(below, key, 2);
	return flush_names(dir, below);
}
