/*
 * What the processes of parley-rest share, in a mapped file. There is no lock in it: every word
 * that two processes may write is an atomic, and a row is claimed by one compare-and-swap, so that
 * a process that dies between two instructions leaves at worst a count that is one short. Written
 * by parley-rest, read by parley-push.
 */
#include "lib/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/id.h"
#include "lib/log.h"

_Static_assert(
	ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	"a lock inside an atomic would outlive the process that holds it");
_Static_assert(sizeof(((struct shm *)0)->hash_key) == crypto_shorthash_KEYBYTES, "key of the hash");

/* "parley" and a version; the size tells layouts apart that somebody forgot to number. */
#define MAGIC (UINT64_C(0x7061726c65790001) ^ (uint64_t)sizeof(struct shm) << 16)

enum {
	PROBES = 8, /* slots that a rate key may be in */
	ATTEMPTS = 16,
};

#define SECOND_US INT64_C(1000000)

const struct shm_counter_info shm_counters[SHM_COUNTER__MAX] = {
	[SHM_WORKERS_STARTED] = { "parley_rest_workers_started_total", "Workers started." },
	[SHM_WORKERS_DIED] = { "parley_rest_workers_died_total",
		"Workers that ended without being told to." },
	[SHM_RELOADS] = { "parley_rest_reloads_total", "Rolling reloads." },
	[SHM_DATABASE_CONNECTS] = { "parley_rest_database_connects_total",
		"Connections made to the database." },
	[SHM_DATABASE_ERRORS] = { "parley_rest_database_errors_total",
		"Connections to the database that were lost or not to be had." },
	[SHM_TOKENS_VERIFIED] = { "parley_rest_tokens_verified_total",
		"Signatures of tokens checked, that is, not found in the cache." },
	[SHM_RATE_LIMITED] = { "parley_rest_rate_limited_total",
		"Requests refused by a rate limit." },
	[SHM_RATE_TABLE_FULL] = { "parley_rest_rate_table_full_total",
		"Requests let through because the table of rate limits was full." },
	[SHM_TURNS_REFUSED] = { "parley_rest_turns_refused_total",
		"Requests refused because too many passwords were being hashed." },
	[SHM_UPLOADS] = { "parley_rest_uploads_total", "Files that were taken." },
	[SHM_UPLOAD_BYTES] = { "parley_rest_upload_bytes_total",
		"Bytes of the files that were taken." },
	[SHM_UPLOADS_TOO_LARGE] = { "parley_rest_uploads_too_large_total",
		"Files refused because they were larger than attachment_max_bytes." },
	[SHM_UPLOADS_QUOTA] = { "parley_rest_uploads_quota_total",
		"Files refused because their owner had as much as attachment_quota_mib." },
	[SHM_UPLOADS_TYPE] = { "parley_rest_uploads_type_total",
		"Files refused because attachment_types does not have what they are." },
	[SHM_UPLOADS_INVALID] = { "parley_rest_uploads_invalid_total",
		"Files refused because they were empty, had no name, or were pictures that cannot "
		"be shown." },
	[SHM_UPLOADS_BROKEN] = { "parley_rest_uploads_broken_total",
		"Uploads that ended early, or were not well-formed." },
	[SHM_UPLOADS_UNAVAILABLE] = { "parley_rest_uploads_unavailable_total",
		"Files not taken because disk, database or parley-media were not to be had." },
	[SHM_MEDIA_STARTED] = { "parley_rest_media_started_total",
		"Processes started to look at a file." },
	[SHM_MEDIA_KILLED] = { "parley_rest_media_killed_total",
		"Processes that ended, or were ended, before they had said what the file is." },
	[SHM_MEDIA_MS] = { "parley_rest_media_milliseconds_total",
		"How long those processes took, all together." },
};

const int64_t shm_bucket_us[SHM_BUCKETS - 1] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
	500000, 2500000 };

/* --- the file -------------------------------------------------------------------------------- */

/* What sets this start of the machine apart from the others; 0 when it cannot be told. */
static uint64_t boot_number(void)
{
	char text[UUID_TEXT_LEN];
	struct uuid id;
	uint64_t number = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text)) == sizeof(text) &&
		uuid_parse((struct str){ text, sizeof(text) }, &id) == OK)
		memcpy(&number, id.bytes, sizeof(number));
	close(fd);
	return number;
}

static void shm_init(struct shm *shm)
{
	shm->magic = MAGIC;
	randombytes_buf(shm->hash_key, sizeof(shm->hash_key));
	atomic_store(&shm->boot, boot_number());
}

/* Buckets of an earlier start of the machine count by another clock: they are emptied. */
static void shm_renew(struct shm *shm)
{
	uint64_t boot = boot_number();
	if (boot != 0 && atomic_load(&shm->boot) == boot)
		return;
	for (int i = 0; i < SHM_RATE_SLOTS; i++) {
		atomic_store(&shm->rate[i].key, 0);
		atomic_store(&shm->rate[i].full_at_us, 0);
	}
	atomic_store(&shm->boot, boot);
}

static enum err map_fd(int fd, int protection, const char *path, struct shm **out)
{
	void *mapped = mmap(NULL, sizeof(struct shm), protection, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		log_error_errno("shared memory cannot be mapped", LOG_STR("path", path));
		return ERR_INTERNAL;
	}
	*out = mapped;
	return OK;
}

/* Maps what is there. ERR_NOT_FOUND: nothing, or of another layout; ERR_INTERNAL: not ours to
 * touch. */
static enum err map_existing(const char *path, bool writable, struct shm **out)
{
	/* O_NONBLOCK: a FIFO of that name must not hold the start up */
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	struct stat status;
	if (fd < 0 || fstat(fd, &status) != 0) {
		log_error_errno("shared memory cannot be opened", LOG_STR("path", path));
		if (fd >= 0)
			close(fd);
		return ERR_INTERNAL;
	}
	struct shm *shm = NULL;
	enum err err = OK;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
		log_error("shared memory is not a file of this user", LOG_STR("path", path));
		err = ERR_INTERNAL;
	} else if (status.st_size != sizeof(struct shm)) {
		err = ERR_NOT_FOUND;
	} else {
		err = map_fd(fd, PROT_READ | (writable ? PROT_WRITE : 0), path, &shm);
	}
	close(fd);
	if (err != OK)
		return err;
	if (shm->magic != MAGIC) {
		munmap(shm, sizeof(*shm));
		return ERR_NOT_FOUND;
	}
	*out = shm;
	return OK;
}

/* A complete file under a name of its own. Its blocks are taken at once: a full disk shows here,
 * not as a SIGBUS in the middle of a request. */
static enum err make_file(const char *path, struct shm **out)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		log_error_errno("shared memory cannot be made", LOG_STR("path", path));
		return ERR_INTERNAL;
	}
	enum err err = OK;
	errno = posix_fallocate(fd, 0, sizeof(struct shm));
	if (errno != 0 || fchmod(fd, 0600) != 0) {
		log_error_errno("shared memory cannot be made", LOG_STR("path", path));
		err = ERR_INTERNAL;
	} else {
		err = map_fd(fd, PROT_READ | PROT_WRITE, path, out);
	}
	close(fd);
	if (err == OK)
		shm_init(*out);
	else
		unlink(path);
	return err;
}

/* Puts the finished file in its place: over another layout, but never over a file of this one that
 * somebody else has made meanwhile (ERR_CONFLICT). A mapping of the old file stays whole. */
static enum err place_file(const char *from, const char *path, bool replace)
{
	if (replace ? rename(from, path) == 0 : link(from, path) == 0)
		return OK;
	if (!replace && errno == EEXIST)
		return ERR_CONFLICT;
	log_error_errno("shared memory cannot be made", LOG_STR("path", path));
	return ERR_INTERNAL;
}

static enum err map_new(const char *path, struct shm **out)
{
	char temporary[4096];
	int len = snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	if (len < 0 || (size_t)len >= sizeof(temporary)) {
		log_error("the path of shared memory is too long");
		return ERR_INTERNAL;
	}
	unlink(temporary); /* of a process of the same number that died in the act */
	struct shm *shm;
	enum err err = make_file(temporary, &shm);
	if (err != OK)
		return err;
	err = place_file(temporary, path, access(path, F_OK) == 0);
	unlink(temporary);
	if (err != OK) {
		munmap(shm, sizeof(*shm));
		return err;
	}
	*out = shm;
	return OK;
}

enum err shm_map(const char *path, bool create, struct shm **out)
{
	struct shm *shm = NULL;
	enum err err = map_existing(path, create, &shm);
	if (err == ERR_NOT_FOUND && create)
		err = map_new(path, &shm);
	if (err == ERR_CONFLICT)
		err = map_existing(path, create, &shm);
	if (err != OK)
		return err;
	if (create)
		shm_renew(shm);
	*out = shm;
	return OK;
}

enum err shm_private(struct shm **out)
{
	void *mapped = mmap(NULL, sizeof(struct shm), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED) {
		log_error_errno("shared memory cannot be mapped");
		return ERR_INTERNAL;
	}
	*out = mapped;
	shm_init(*out);
	return OK;
}

/* --- figures of routes ------------------------------------------------------------------------ */

/* A hash that nobody outside can foresee; never 0. */
static uint64_t hash_bytes(const struct shm *shm, const void *bytes, size_t len)
{
	uint64_t hash;
	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "size of the hash");
	crypto_shorthash((unsigned char *)&hash, bytes, len, shm->hash_key);
	return hash ? hash : 1;
}

/* Fills in the labels; everybody who finds the row writes the same, so it does not matter who is
 * first or whether whoever claimed it still lives. The method comes last: a row that has one is
 * complete. */
static void route_label(struct shm_route *route, const struct shm_route *labels)
{
	memcpy(route->pattern, labels->pattern, sizeof(route->pattern));
	atomic_thread_fence(memory_order_release);
	memcpy(route->method, labels->method, sizeof(route->method));
}

static void count_rows(struct shm *shm, uint32_t atleast)
{
	uint32_t nroutes = atomic_load(&shm->nroutes);
	while (nroutes < atleast && !atomic_compare_exchange_weak(&shm->nroutes, &nroutes, atleast))
		continue;
}

struct shm_route *shm_route_of(struct shm *shm, const char *method, const char *pattern)
{
	struct shm_route labels = { .key = 0 };
	snprintf(labels.method, sizeof(labels.method), "%s", method);
	snprintf(labels.pattern, sizeof(labels.pattern), "%s", pattern);
	char both[sizeof(labels.method) + sizeof(labels.pattern)];
	memcpy(both, labels.method, sizeof(labels.method));
	memcpy(both + sizeof(labels.method), labels.pattern, sizeof(labels.pattern));
	uint64_t key = hash_bytes(shm, both, sizeof(both));

	/* Rows fill from the first and are never freed: who walks them in order cannot make one
	 * twice. */
	for (uint32_t i = 0; i < SHM_ROUTES_MAX; i++) {
		struct shm_route *route = &shm->routes[i];
		uint64_t found = 0;
		if (!atomic_compare_exchange_strong(&route->key, &found, key) && found != key)
			continue;
		if (route->method[0] == '\0')
			route_label(route, &labels);
		count_rows(shm, i + 1);
		return route;
	}
	return NULL;
}

void shm_route_count(struct shm_route *route, int status, int64_t duration_us)
{
	int hundred = status >= 100 && status <= 599 ? status / 100 : 0;
	int bucket = 0;
	while (bucket < SHM_BUCKETS - 1 && duration_us > shm_bucket_us[bucket])
		bucket++;
	uint64_t spent_us = duration_us > 0 ? (uint64_t)duration_us : 0;
	atomic_fetch_add_explicit(&route->answers[hundred], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&route->duration_us, spent_us, memory_order_relaxed);
	atomic_fetch_add_explicit(&route->buckets[bucket], 1, memory_order_relaxed);
}

/* --- rate limits ------------------------------------------------------------------------------ */

/*
 * GCRA: a bucket is one point in time, when it will be full again. Each request moves it by step; a
 * request is let through while that leaves it within burst of now.
 */
struct rate_shape {
	int64_t step_us;
	int64_t burst_us;
};

static struct rate_shape shape_of(const struct rate_limit *limit)
{
	int64_t step_us = limit->window_s * SECOND_US / limit->quota;
	if (step_us < 1)
		step_us = 1;
	/* not the window: what the division drops would let one more through, or one less */
	return (struct rate_shape){ step_us, step_us * limit->quota };
}

/* A limit of another size has another bucket, so a changed setting does not inherit old debts. */
static uint64_t rate_key(const struct shm *shm, const struct rate_limit *limit, struct str key)
{
	struct {
		uint64_t name, key;
		uint32_t quota, window_s;
	} parts = {
		hash_bytes(shm, limit->name, strlen(limit->name)),
		hash_bytes(shm, key.ptr, key.len),
		limit->quota,
		limit->window_s,
	};
	return hash_bytes(shm, &parts, sizeof(parts));
}

static struct shm_rate_slot *probe(struct shm *shm, uint64_t key, int i)
{
	return &shm->rate[(key + (uint64_t)i) % SHM_RATE_SLOTS];
}

/* The slot that has the key already, or NULL. */
static struct shm_rate_slot *slot_find(struct shm *shm, uint64_t key)
{
	for (int i = 0; i < PROBES; i++) {
		struct shm_rate_slot *slot = probe(shm, key, i);
		if (atomic_load(&slot->key) == key)
			return slot;
	}
	return NULL;
}

/* Claims the first free slot; failing that, one whose bucket is full again and so says nothing.
 * NULL: none. */
static struct shm_rate_slot *slot_claim(struct shm *shm, uint64_t key, int64_t now_us)
{
	for (int i = 0; i < PROBES; i++) {
		struct shm_rate_slot *slot = probe(shm, key, i);
		uint64_t found = 0;
		if (atomic_compare_exchange_strong(&slot->key, &found, key) || found == key)
			return slot;
	}
	for (int i = 0; i < PROBES; i++) {
		struct shm_rate_slot *slot = probe(shm, key, i);
		uint64_t found = atomic_load(&slot->key);
		if (found == key)
			return slot;
		if (atomic_load(&slot->full_at_us) <= now_us &&
			(atomic_compare_exchange_strong(&slot->key, &found, key) || found == key))
			return slot;
	}
	return NULL;
}

static uint32_t seconds_up(int64_t us)
{
	if (us <= 0)
		return 0;
	int64_t seconds = (us + SECOND_US - 1) / SECOND_US;
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static struct rate_answer answer_allowed(struct rate_shape shape, int64_t debt_us)
{
	return (struct rate_answer){
		.allowed = true,
		.remaining = (uint32_t)((shape.burst_us - debt_us) / shape.step_us),
		.reset_s = seconds_up(debt_us),
	};
}

static struct rate_answer answer_refused(struct rate_shape shape, int64_t debt_us)
{
	uint32_t retry_after_s = seconds_up(debt_us + shape.step_us - shape.burst_us);
	return (struct rate_answer){
		.reset_s = seconds_up(debt_us),
		.retry_after_s = retry_after_s ? retry_after_s : 1,
	};
}

/*
 * One request from the bucket in slot. False: the slot went to another key meanwhile, and nothing
 * was taken. (It can still go in the instant after the last look: then one request goes uncounted.
 * That needs eight neighbours in use and a bucket that was full.)
 */
static bool slot_take(struct shm_rate_slot *slot, uint64_t key, struct rate_shape shape,
	int64_t now_us, struct rate_answer *answer)
{
	int64_t full_at_us = atomic_load(&slot->full_at_us);
	for (;;) {
		int64_t debt_us = full_at_us > now_us ? full_at_us - now_us : 0;
		bool allowed = debt_us + shape.step_us <= shape.burst_us;
		int64_t next_us = now_us + debt_us + shape.step_us;
		if (!allowed) {
			*answer = answer_refused(shape, debt_us);
			return atomic_load(&slot->key) == key;
		}
		if (!atomic_compare_exchange_weak(&slot->full_at_us, &full_at_us, next_us))
			continue;
		*answer = answer_allowed(shape, debt_us + shape.step_us);
		if (atomic_load(&slot->key) == key)
			return true;
		/* charged to the new owner: give it back */
		atomic_fetch_sub(&slot->full_at_us, shape.step_us);
		return false;
	}
}

struct rate_answer rate_take(
	struct shm *shm, const struct rate_limit *limit, struct str key, int64_t now_us)
{
	struct rate_answer unlimited = { .allowed = true, .remaining = limit->quota };
	if (limit->quota == 0) {
		unlimited.remaining = UINT32_MAX;
		return unlimited;
	}
	struct rate_shape shape = shape_of(limit);
	uint64_t hash = rate_key(shm, limit, key);
	for (int i = 0; i < ATTEMPTS; i++) {
		struct shm_rate_slot *slot = slot_find(shm, hash);
		if (!slot)
			slot = slot_claim(shm, hash, now_us);
		if (!slot)
			break;
		struct rate_answer answer;
		if (slot_take(slot, hash, shape, now_us, &answer))
			return answer;
	}
	shm_count(shm, SHM_RATE_TABLE_FULL);
	return unlimited;
}
