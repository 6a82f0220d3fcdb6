/* The key files (keyring.h). Called by keys.c and doctor.c. */
#include "ops/parley/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/buf.h"
#include "lib/time.h"

enum {
	FILE_BYTES_MAX = 16384,
	PRIVATE_MODE = 0600,
	PUBLIC_MODE = 0644, /* mosquitto is often another user */
};

#define US_PER_S 1000000LL
#define NOTE "# parley kid="
#define BEGIN "-----BEGIN "
#define END "-----END "

/* ---- files ------------------------------------------------------------------------------------
 */

static const char *resolved(struct operation *op, const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		return path;
	arena_defer(op->arena, free, real);
	return real;
}

/* ERR_NOT_FOUND: it is not there. ERR_INTERNAL, said: it cannot be read. */
static enum err text_read(struct operation *op, const char *path, struct str *out)
{
	char bytes[FILE_BYTES_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = -1;

	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd >= 0)
		n = read(fd, bytes, sizeof(bytes));
	if (n < 0 || n > FILE_BYTES_MAX) {
		operator_fail("%s: %s", path, n < 0 ? strerror(errno) : "too large for a key file");
		if (fd >= 0)
			close(fd);
		return ERR_INTERNAL;
	}
	close(fd);
	*out = (struct str){ arena_strndup(op->arena, bytes, (size_t)n), (size_t)n };
	explicit_bzero(bytes, sizeof(bytes));
	return OK;
}

static enum err directory_sync(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	int fd, status;

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path + 1) : 1,
		slash ? path : ".");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_INTERNAL;
	status = fsync(fd);
	close(fd);
	return status == 0 ? OK : ERR_INTERNAL;
}

static bool bytes_write(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text.ptr += n;
		text.len -= (size_t)n;
	}
	return true;
}

/* Owner and mode as those of the file that like names, if there is one: others than us read it, too. */
static bool mode_set(int fd, const char *like, mode_t mode, bool secret)
{
	struct stat st, mine;

	if (stat(like, &st) != 0)
		return errno == ENOENT && fchmod(fd, mode) == 0;
	mode = st.st_mode & (secret ? 0640 : 0664);
	if (fstat(fd, &mine) != 0)
		return false;
	if ((mine.st_uid != st.st_uid || mine.st_gid != st.st_gid) &&
		fchown(fd, st.st_uid, st.st_gid) != 0)
		return false;
	return fchmod(fd, mode | 0600) == 0;
}

/* Puts a file in place, whole. EXIT_FAILED, said. */
static int file_put(const char *path, const char *like, struct str text, bool secret)
{
	char beside[PATH_MAX];
	bool ok;
	int fd;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside))
		return operator_fail("%s: the path is too long", path);
	unlink(beside); /* of a rotation that was killed; we hold the lock */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, PRIVATE_MODE);
	if (fd < 0)
		return operator_fail("%s: %s", beside, strerror(errno));
	ok = mode_set(fd, like, secret ? PRIVATE_MODE : PUBLIC_MODE, secret) &&
	     bytes_write(fd, text) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && rename(beside, path) == 0 && directory_sync(path) == OK;
	if (ok)
		return EXIT_DONE;
	operator_fail("%s: %s", path, strerror(errno));
	unlink(beside);
	return EXIT_FAILED;
}

/* ---- the file of public keys ------------------------------------------------------------------
 */

static struct str line_take(struct str *text)
{
	const char *end = memchr(text->ptr, '\n', text->len);
	struct str line = { text->ptr, end ? (size_t)(end + 1 - text->ptr) : text->len };

	text->ptr += line.len;
	text->len -= line.len;
	return line;
}

/* The value of " name=value" in a note. */
static int64_t note_time(struct str note, const char *name)
{
	const char *at = memmem(note.ptr, note.len, name, strlen(name));
	struct str value;
	int64_t time_us;

	if (!at)
		return TIME_NONE;
	value.ptr = at + strlen(name);
	value.len = note.len - (size_t)(value.ptr - note.ptr);
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == ' ' || value.ptr[i] == '\r' || value.ptr[i] == '\n')
			value.len = i;
	}
	return time_parse(value, &time_us) == OK ? time_us : TIME_NONE;
}

/* Takes our note about this key out of the text above it. */
static void note_read(struct operation *op, struct ring_key *key)
{
	struct str rest = key->text;
	struct buf others = { 0 };

	while (rest.len > 0) {
		struct str line = line_take(&rest);
		size_t skip = sizeof(NOTE) - 1;

		if (!str_starts(line, STR(NOTE)) || line.len < skip + JOSE_KID_LEN ||
			memcmp(line.ptr + skip, key->kid, JOSE_KID_LEN) != 0) {
			buf_add(&others, line.ptr, line.len);
			continue;
		}
		key->ours = true;
		key->since_us = note_time(line, " since=");
		key->until_us = note_time(line, " until=");
	}
	key->text =
		(struct str){ arena_strndup(op->arena, others.data ? others.data : "", others.len),
			others.len };
	buf_free(&others);
}

static int block_add(struct keyring *ring, struct str text, struct str pem)
{
	struct jose_keys *parsed = NULL;
	struct ring_key key = {
		.pem = pem, .text = text, .since_us = TIME_NONE, .until_us = TIME_NONE
	};
	bool ok = jose_keys_parse(pem, &parsed) == OK && !jose_keys_can_sign(parsed);

	if (ok)
		snprintf(key.kid, sizeof(key.kid), "%s", jose_keys_kid(parsed, 0));
	jose_keys_free(parsed);
	if (!ok)
		return operator_fail(
			"%s holds something else than public keys; nothing was changed",
			ring->public_path);
	note_read(ring->op, &key);
	if (keyring_find(ring, key.kid))
		return EXIT_DONE;
	if (ring->count == JOSE_KEYS_MAX)
		return operator_fail("%s holds too many keys", ring->public_path);
	ring->keys[ring->count++] = key;
	return EXIT_DONE;
}

static int public_split(struct keyring *ring, struct str all)
{
	struct str text = { all.ptr, 0 }, pem = { NULL, 0 };
	int status = EXIT_DONE;

	while (all.len > 0 && status == EXIT_DONE) {
		struct str line = line_take(&all);

		if (!pem.ptr && str_starts(line, STR(BEGIN)))
			pem.ptr = line.ptr;
		if (!pem.ptr) {
			text.len += line.len;
			continue;
		}
		pem.len += line.len;
		if (!str_starts(line, STR(END)))
			continue;
		status = block_add(ring, text, pem);
		text = (struct str){ all.ptr, 0 };
		pem = (struct str){ NULL, 0 };
	}
	if (status == EXIT_DONE && pem.ptr)
		return operator_fail("the last key of %s is not whole", ring->public_path);
	ring->rest = text;
	return status;
}

static void note_write(struct buf *out, const struct ring_key *key)
{
	char time[TIME_TEXT_LEN + 1];

	buf_printf(out, NOTE "%s", key->kid);
	if (key->since_us != TIME_NONE) {
		time_format(key->since_us, time);
		buf_printf(out, " since=%s", time);
	}
	if (key->until_us != TIME_NONE) {
		time_format(key->until_us, time);
		buf_printf(out, " until=%s", time);
	}
	buf_add_char(out, '\n');
}

int keyring_write(struct keyring *ring)
{
	struct buf out = { 0 };
	struct jose_keys *check;
	struct str before;
	int status;

	for (size_t i = 0; i < ring->count; i++) {
		const struct ring_key *key = &ring->keys[i];

		buf_add(&out, key->text.ptr, key->text.len);
		if (key->ours)
			note_write(&out, key);
		buf_add(&out, key->pem.ptr, key->pem.len);
		if (key->pem.ptr[key->pem.len - 1] != '\n')
			buf_add_char(&out, '\n');
	}
	buf_add(&out, ring->rest.ptr, ring->rest.len);

	struct str text = { arena_strndup(ring->op->arena, out.data ? out.data : "", out.len),
		out.len };

	buf_free(&out);
	if (text_read(ring->op, ring->public_path, &before) == OK && str_equal(before, text))
		return EXIT_DONE;
	if (jose_keys_parse(text, &check) != OK)
		return operator_fail(
			"nothing was changed: %s would be no file of keys", ring->public_path);
	jose_keys_free(check);
	status = file_put(ring->public_path, ring->public_path, text, false);
	ring->is_written |= status == EXIT_DONE;
	return status;
}

/* ---- one key ----------------------------------------------------------------------------------
 */

static struct str pem_of(struct operation *op, EVP_PKEY *pkey, bool secret)
{
	BIO *bio = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem());
	struct str pem = { NULL, 0 };
	char *bytes;
	int ok = 0;

	if (bio && pkey)
		ok = secret ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
			    : PEM_write_bio_PUBKEY(bio, pkey);
	if (ok == 1) {
		pem.len = (size_t)BIO_get_mem_data(bio, &bytes);
		pem.ptr = arena_strndup(op->arena, bytes, pem.len);
	}
	BIO_free(bio);
	return pem;
}

/* A new private key at path, with owner and mode of the one that like names. */
static int key_make(struct keyring *ring, const char *path, struct jose_keys **out)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct str pem = pem_of(ring->op, pkey, true);
	int status;

	EVP_PKEY_free(pkey);
	if (!pem.ptr || jose_keys_parse(pem, out) != OK)
		return operator_fail("no key can be made");
	status = file_put(path, ring->private_path, pem, true);
	explicit_bzero((void *)(uintptr_t)pem.ptr, pem.len);
	return status;
}

/* A private key's file. EXIT_DONE with *out NULL: it is not there. */
static int key_read(struct operation *op, const char *path, struct jose_keys **out)
{
	struct str pem;
	enum err err = text_read(op, path, &pem);

	if (err == ERR_NOT_FOUND)
		return EXIT_DONE;
	if (err != OK)
		return EXIT_FAILED;
	err = jose_keys_parse(pem, out);
	explicit_bzero((void *)(uintptr_t)pem.ptr, pem.len);
	if (err == OK && jose_keys_count(*out) == 1 && jose_keys_can_sign(*out))
		return EXIT_DONE;
	return operator_fail("%s holds no private Ed25519 key without passphrase", path);
}

/* The public half of a private key, as PEM. */
static struct str public_half(struct operation *op, const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *pkey = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	struct str pem = pem_of(op, pkey, false);

	EVP_PKEY_free(pkey);
	if (file)
		fclose(file);
	return pem;
}

/* ---- the ring ---------------------------------------------------------------------------------
 */

struct ring_key *keyring_find(struct keyring *ring, const char *kid)
{
	for (size_t i = 0; kid && i < ring->count; i++) {
		if (strcmp(ring->keys[i].kid, kid) == 0)
			return &ring->keys[i];
	}
	return NULL;
}

const char *keyring_signer(const struct keyring *ring)
{
	return ring->signer ? jose_keys_signer(ring->signer) : NULL;
}

const char *keyring_next(const struct keyring *ring)
{
	return ring->next ? jose_keys_signer(ring->next) : NULL;
}

/* One lock for all who change keys: on the directory, so that no file is left of it. */
static int lock_take(struct keyring *ring)
{
	const char *slash = strrchr(ring->private_path, '/');
	const char *directory = slash ? arena_strndup(ring->op->arena, ring->private_path,
						(size_t)(slash - ring->private_path + 1))
				      : ".";

	ring->lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ring->lock_fd < 0)
		return operator_fail("%s: %s", directory, strerror(errno));
	if (flock(ring->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return operator_fail(
			"another parley keys works in %s; try again when it is done", directory);
	return EXIT_DONE;
}

int keyring_open(struct operation *op, bool lock, struct keyring *ring)
{
	const char *paths = op->conf.token_public_keys;
	struct str all;
	int status = EXIT_DONE;

	paths += strspn(paths, " ");
	size_t len = strcspn(paths, " ");

	*ring = (struct keyring){
		.op = op,
		.private_path = resolved(op, op->conf.token_private_key),
		.public_path = resolved(op, arena_strndup(op->arena, paths, len)),
		.others = paths + len + strspn(paths + len, " "),
		.lock_fd = -1,
	};
	ring->next_path = arena_printf(op->arena, "%s.next", ring->private_path);
	if (len == 0)
		return operator_fail("token_public_keys names no file");
	if (lock)
		status = lock_take(ring);
	if (status == EXIT_DONE)
		status = key_read(op, ring->private_path, &ring->signer);
	if (status == EXIT_DONE)
		status = key_read(op, ring->next_path, &ring->next);
	if (status != EXIT_DONE)
		return status;
	switch (text_read(op, ring->public_path, &all)) {
	case OK:
		ring->is_written = true;
		return public_split(ring, all);
	case ERR_NOT_FOUND:
		return EXIT_DONE;
	default:
		return EXIT_FAILED;
	}
}

void keyring_close(struct keyring *ring)
{
	jose_keys_free(ring->signer);
	jose_keys_free(ring->next);
	if (ring->lock_fd >= 0)
		close(ring->lock_fd);
}

static int room_fail(const struct keyring *ring)
{
	return operator_fail(
		"%s is full: a retired key stays until its tokens have ended; try again "
		"later (parley keys list)",
		ring->public_path);
}

int keyring_make_first(struct keyring *ring)
{
	return key_make(ring, ring->private_path, &ring->signer);
}

int keyring_make_next(struct keyring *ring)
{
	if (ring->count == JOSE_KEYS_MAX)
		return room_fail(ring);
	return key_make(ring, ring->next_path, &ring->next);
}

static int half_add(struct keyring *ring, const char *kid, const char *path, int64_t now_us)
{
	struct ring_key *key = keyring_find(ring, kid);

	if (key) {
		key->ours = true;
		key->until_us = TIME_NONE;
		return EXIT_DONE;
	}
	if (ring->count == JOSE_KEYS_MAX)
		return room_fail(ring);
	key = &ring->keys[ring->count];
	*key = (struct ring_key){
		.pem = public_half(ring->op, path),
		.ours = true,
		.since_us = now_us,
		.until_us = TIME_NONE,
	};
	if (!key->pem.ptr)
		return operator_fail("%s: its public half cannot be told", path);
	snprintf(key->kid, sizeof(key->kid), "%s", kid);
	ring->count++;
	return EXIT_DONE;
}

int keyring_publish(struct keyring *ring, int64_t now_us)
{
	const char *signer = keyring_signer(ring), *next = keyring_next(ring);
	int status = EXIT_DONE;

	if (signer)
		status = half_add(ring, signer, ring->private_path, now_us);
	if (next && status == EXIT_DONE)
		status = half_add(ring, next, ring->next_path, now_us);
	return status;
}

void keyring_drop(struct keyring *ring, struct ring_key *key)
{
	size_t at = (size_t)(key - ring->keys);

	memmove(key, key + 1, (ring->count - at - 1) * sizeof(*key));
	ring->count--;
}

size_t keyring_tidy(struct keyring *ring, int64_t now_us)
{
	const char *signer = keyring_signer(ring), *next = keyring_next(ring);
	int64_t life_us = (ring->op->conf.token_ttl_s + KEYRING_SKEW_S) * US_PER_S;
	size_t dropped = 0;

	for (size_t i = ring->count; i-- > 0;) {
		struct ring_key *key = &ring->keys[i];

		if (!key->ours || (signer && strcmp(key->kid, signer) == 0) ||
			(next && strcmp(key->kid, next) == 0))
			continue;
		if (key->until_us == TIME_NONE) {
			key->until_us = now_us + life_us;
		} else if (key->until_us <= now_us) {
			keyring_drop(ring, key);
			dropped++;
		}
	}
	return dropped;
}

int keyring_promote(struct keyring *ring)
{
	if (rename(ring->next_path, ring->private_path) != 0 ||
		directory_sync(ring->private_path) != OK)
		return operator_fail("%s: %s", ring->private_path, strerror(errno));
	jose_keys_free(ring->signer);
	ring->signer = ring->next;
	ring->next = NULL;
	return EXIT_DONE;
}
