/* Sweeps (sweep.h). Called by main.c. */
#include "push/notify/sweep.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/blob.h"
#include "lib/log.h"
#include "lib/s3.h"
#include "lib/time.h"
#include "push/notify/bucket.h"
#include "sql/store/sweep.h"

enum {
	ROUND_MS = 60000, /* whatever runs longer is ended */
	BATCHES_MS =
		30000, /* no batch begins later in a round: the rest is for the next, at once */
	STATEMENT_TIMEOUT_MS = 20000,
	PAGE = 1000,
	/* an upload of the same content waits as long */
	REMOVAL_MS = 4000,
	REMOVAL_URL_S = 60,
	AGAIN_S = 600, /* what cannot be removed is left so long */
	EACH_S_MAX = 3600,
	DAY_S = 86400,
	EACH_PART = 24, /* of attachment_orphan_s */
};

/* What a sweep's function works with, in the process of a round. */
struct sweeper {
	const struct conf *conf;
	struct db *db;
	struct arena *arena; /* reset after each batch */
	CURL *easy;	     /* NULL: there is no bucket */
	int64_t end_us;	     /* for batches to begin */
};

/* What came of one, and where the next one goes on. */
struct sweep_result {
	int64_t count; /* of what was taken away */
	bool more;     /* it was not all */
	struct sweep_place place;
};

static bool has_time(const struct sweeper *sweeper)
{
	return time_mono_us() < sweeper->end_us;
}

/* --- files in no message -----------------------------------------------------------------------
 */

static enum err attachments_sweep(struct sweeper *sweeper, struct sweep_result *result)
{
	enum err err = OK;
	while (err == OK && has_time(sweeper)) {
		int64_t swept = 0;
		err = db_sweep_attachments(sweeper->db, sweeper->arena,
			sweeper->conf->attachment_orphan_s, PAGE, &result->place, &swept);
		arena_reset(sweeper->arena);
		result->count += swept;
	}
	result->more = err == OK;
	if (!result->more)
		result->place = (struct sweep_place){ 0 };
	return err == ERR_NOT_FOUND ? OK : err;
}

/* --- content that no file names ----------------------------------------------------------------
 */

static enum err object_delete(struct sweeper *sweeper, const char *key)
{
	struct buf url = { 0 };
	struct bucket_answer answer;
	s3_url(sweeper->conf, "DELETE", key, NULL, 0, time_now_us(), REMOVAL_URL_S, &url);
	buf_add_char(&url, '\0');
	enum err err = bucket_perform(sweeper->easy, sweeper->conf->tls_ca,
		&(struct bucket_request){ "DELETE", url.data, -1, REMOVAL_MS }, &answer);
	buf_free(&url);
	if (err == OK || strcmp(answer.reason, "NoSuchKey") == 0)
		return OK;
	log_warn("an object cannot be deleted from the bucket", LOG_STR("key", key),
		LOG_INT("status", answer.status), LOG_STR("reason", answer.reason));
	return err;
}

/* Opens the directory where it is. One that is not there is another host's: nothing is made here, and nothing taken for removed. */
static enum err directory_open(const struct conf *conf, int *dir)
{
	*dir = open(conf->attachments_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir >= 0)
		return OK;
	log_error_errno(
		"there is no directory of attachments here, and something to remove from it",
		LOG_STR("path", conf->attachments_dir));
	return ERR_UNAVAILABLE;
}

static enum err blob_gone(struct sweeper *sweeper, const struct blob_name *name)
{
	char key[BLOB_KEY_BYTES];
	int dir;
	if (sweeper->easy) {
		blob_key(name, key);
		return object_delete(sweeper, key);
	}
	enum err err = directory_open(sweeper->conf, &dir);
	if (err != OK)
		return err;
	err = blob_remove(dir, name);
	close(dir);
	return err;
}

/* Of one that has been taken. */
static enum err content_remove(struct sweeper *sweeper, const uint8_t sha256[BLOB_HASH_BYTES])
{
	enum err err = OK;
	for (int kind = BLOB__MAX - 1; kind >= 0 && err == OK; kind--) {
		struct blob_name name = { .kind = (enum blob_kind)kind };
		memcpy(name.sha256, sha256, BLOB_HASH_BYTES);
		err = blob_gone(sweeper, &name);
	}
	return err;
}

/* Takes one and removes it where no file names it. ERR_NOT_FOUND: none is due. *removed says whether the store has let go of it. */
static enum err content_take(struct sweeper *sweeper, bool *named, bool *removed)
{
	struct db *db = sweeper->db;
	uint8_t sha256[BLOB_HASH_BYTES];
	enum err err = db_sweep_content_take(db, sweeper->arena, sha256);
	if (err == OK)
		err = db_sweep_content_named(db, sweeper->arena, sha256, named);
	if (err != OK)
		return err;
	*removed = *named || content_remove(sweeper, sha256) == OK;
	return *removed ? db_sweep_content_gone(db, sweeper->arena, sha256)
			: db_sweep_content_later(db, sweeper->arena, sha256, AGAIN_S);
}

static enum err contents_sweep(struct sweeper *sweeper, struct sweep_result *result)
{
	bool named = false, removed = true;
	enum err err = OK;
	/* what is not to be had now is not to be had for the next either */
	while (err == OK && removed && has_time(sweeper)) {
		err = db_begin(sweeper->db, TX_WRITE);
		if (err != OK)
			break;
		err = content_take(sweeper, &named, &removed);
		if (err == OK)
			err = db_commit(sweeper->db);
		else
			db_rollback(sweeper->db);
		arena_reset(sweeper->arena);
		result->count += err == OK && removed && !named;
	}
	result->more = err == OK && removed;
	return err == ERR_NOT_FOUND ? OK : err;
}

/* --- what uploads that died have left -----------------------------------------------------------
 */

static enum err spool_sweep(struct sweeper *sweeper, struct sweep_result *result)
{
	int dir = open(sweeper->conf->attachments_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)result;
	if (dir < 0)
		return OK; /* nothing was uploaded here yet */
	blob_dir_clean(dir);
	close(dir);
	return OK;
}

/* --- when members came how far -------------------------------------------------------------------
 */

static enum err receipts_sweep(struct sweeper *sweeper, struct sweep_result *result)
{
	enum err err = OK;
	int64_t swept = PAGE;
	while (err == OK && swept == PAGE && has_time(sweeper)) {
		err = db_sweep_receipts(sweeper->db, sweeper->arena,
			(int64_t)sweeper->conf->receipt_times_days * DAY_S, PAGE, &swept);
		arena_reset(sweeper->arena);
		if (err == OK)
			result->count += swept;
	}
	result->more = err == OK && swept == PAGE;
	return err;
}

/* --- the table ----------------------------------------------------------------------------------
 */

/* In this order: what one leaves behind the next may find. */
static const struct sweep {
	const char *name;
	enum err (*call)(struct sweeper *sweeper, struct sweep_result *result);
	int each_s; /* 0: as often as attachment_orphan_s wants it */
} sweeps[] = {
	{ "attachments", attachments_sweep, 0 },
	{ "contents", contents_sweep, 0 },
	{ "spool", spool_sweep, EACH_S_MAX },
	{ "receipts", receipts_sweep, EACH_S_MAX },
};

enum {
	NSWEEPS = sizeof(sweeps) / sizeof(sweeps[0])
};

struct sweeps {
	struct transfer round; /* the first member */
	const struct conf *conf;
	struct transfers *transfers;
	bool busy;
	bool due[NSWEEPS]; /* in the round under way */
	struct sweep_result results[NSWEEPS];
	int64_t next_at_us[NSWEEPS];
};

/* --- a round, in a process of its own ------------------------------------------------------------
 */

static CURLcode round_work(struct transfer *transfer, struct buf *out)
{
	const struct sweeps *all = (const struct sweeps *)transfer;
	struct sweeper sweeper = {
		.conf = all->conf,
		.db = db_new(
			all->conf->notify_database, "parley-notify sweep", STATEMENT_TIMEOUT_MS),
		.arena = arena_new(),
		.easy = s3_used(all->conf) ? curl_easy_init() : NULL,
		.end_us = time_mono_us() + BATCHES_MS * 1000LL,
	};
	if (s3_used(all->conf) && !sweeper.easy)
		fatal("out of memory");
	enum err err = OK; /* a database that is away is so for the next as well */
	for (size_t i = 0; i < NSWEEPS; i++) {
		struct sweep_result result = { .place = all->results[i].place };
		if (all->due[i] && err == OK)
			err = sweeps[i].call(&sweeper, &result);
		buf_add(out, &result, sizeof(result));
	}
	db_free(sweeper.db);
	return CURLE_OK; /* the rest ends with the process */
}

/* --- around it ----------------------------------------------------------------------------------
 */

static int64_t each_us(const struct conf *conf, const struct sweep *sweep)
{
	int each_s = sweep->each_s > 0 ? sweep->each_s : conf->attachment_orphan_s / EACH_PART;
	if (each_s > EACH_S_MAX)
		each_s = EACH_S_MAX;
	return (each_s > 0 ? each_s : 1) * 1000000LL;
}

static void result_take(
	struct sweeps *all, size_t i, const struct sweep_result *result, int64_t now_us)
{
	all->results[i] = *result;
	all->next_at_us[i] = result->more ? now_us : now_us + each_us(all->conf, &sweeps[i]);
	if (result->count > 0)
		log_info("swept", LOG_STR("what", sweeps[i].name), LOG_INT("count", result->count));
}

static void round_done(
	struct transfer *transfer, const struct transfer_result *result, struct str body)
{
	struct sweeps *all = (struct sweeps *)transfer;
	struct sweep_result results[NSWEEPS] = { 0 };
	int64_t now_us = time_mono_us();
	all->busy = false;
	if (result->code == CURLE_OK && body.len == sizeof(results))
		memcpy(results, body.ptr, sizeof(results));
	else
		log_warn("a sweep has not ended", LOG_STR("reason", result->reason));
	for (size_t i = 0; i < NSWEEPS; i++) {
		if (all->due[i])
			result_take(all, i, &results[i], now_us);
	}
}

void sweeps_look(struct sweeps *all, int64_t now_us, int64_t *look_at_us)
{
	bool any = false;
	if (all->busy)
		return; /* its end is when to look again */
	for (size_t i = 0; i < NSWEEPS; i++) {
		all->due[i] = now_us >= all->next_at_us[i];
		any = any || all->due[i];
	}
	all->busy = any && transfer_start(all->transfers, &all->round);
	for (size_t i = 0; i < NSWEEPS && !all->busy; i++) {
		if (all->due[i]) /* it could not be started */
			all->next_at_us[i] = now_us + each_us(all->conf, &sweeps[i]);
		if (all->next_at_us[i] < *look_at_us)
			*look_at_us = all->next_at_us[i];
	}
}

struct sweeps *sweeps_new(const struct conf *conf, struct transfers *transfers)
{
	struct sweeps *all = calloc(1, sizeof(*all));
	if (!all)
		fatal("out of memory");
	all->conf = conf;
	all->transfers = transfers;
	all->round = (struct transfer){
		.limit_ms = ROUND_MS,
		.work = round_work,
		.done = round_done,
	};
	return all;
}

void sweeps_free(struct sweeps *all)
{
	if (!all)
		return;
	transfer_break(all->transfers, &all->round);
	free(all);
}
