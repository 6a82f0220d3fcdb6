/* Shared memory: the file, the rows of routes, and rate limits that several processes take from at
 * once. */
#include "lib/shm.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

enum {
	PROCESSES = 4
};

static char folder[] = "/tmp/shm_test.XXXXXX";
static char file_path[64];
static int nlogged;

static void count_line(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
	nlogged++;
}

static int make_folder(void **state)
{
	(void)state;
	log_sink(count_line);
	if (!mkdtemp(folder))
		return -1;
	snprintf(file_path, sizeof(file_path), "%s/rest.shm", folder);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(file_path);
	nlogged = 0;
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(file_path);
	return rmdir(folder); /* fails when a temporary file was left behind */
}

static struct shm *map_own(void)
{
	struct shm *shm;
	assert_int_equal(shm_private(&shm), OK);
	return shm;
}

static void unmap(struct shm *shm)
{
	assert_int_equal(munmap(shm, sizeof(*shm)), 0);
}

static void write_file(const void *bytes, size_t len)
{
	int fd = open(file_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* --- the file -------------------------------------------------------------------------------- */

static void what_one_writes_the_other_reads(void **state)
{
	(void)state;
	struct shm *writer, *reader, *again;
	assert_int_equal(shm_map(file_path, true, &writer), OK);
	struct stat status;
	assert_int_equal(stat(file_path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, sizeof(struct shm));
	assert_int_equal(shm_map(file_path, false, &reader), OK);
	shm_count(writer, SHM_RELOADS);
	assert_int_equal(reader->counters[SHM_RELOADS], 1);
	assert_int_equal(shm_map(file_path, true, &again), OK);
	shm_count(again, SHM_RELOADS);
	assert_int_equal(reader->counters[SHM_RELOADS], 2);
	assert_memory_equal(again->hash_key, writer->hash_key, sizeof(writer->hash_key));
	assert_int_equal(nlogged, 0);
	unmap(writer);
	unmap(reader);
	unmap(again);
}

static void a_reader_cannot_write(void **state)
{
	(void)state;
	struct shm *writer, *reader;
	assert_int_equal(shm_map(file_path, true, &writer), OK);
	assert_int_equal(shm_map(file_path, false, &reader), OK);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		close(STDERR_FILENO);
		shm_count(reader, SHM_RELOADS);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_int_equal(writer->counters[SHM_RELOADS], 0);
	unmap(writer);
	unmap(reader);
}

/* What may lie in the way, what a reader says to it, and what a writer. */
static void make_nothing(void)
{
}

static void make_empty(void)
{
	write_file("", 0);
}

static void make_short(void)
{
	write_file("short", 5);
}

static void make_other_layout(void)
{
	struct shm *shm;
	assert_int_equal(shm_map(file_path, true, &shm), OK);
	shm->magic ^= 1;
	shm_count(shm, SHM_RELOADS);
	unmap(shm);
}

static void make_longer(void)
{
	struct shm *shm;
	assert_int_equal(shm_map(file_path, true, &shm), OK);
	unmap(shm);
	assert_int_equal(truncate(file_path, sizeof(struct shm) + 8), 0);
}

static void make_link(void)
{
	assert_int_equal(symlink("/dev/null", file_path), 0);
}

static void make_fifo(void)
{
	assert_int_equal(mkfifo(file_path, 0600), 0);
}

static void make_foreign(void)
{
	struct shm *shm;
	assert_int_equal(shm_map(file_path, true, &shm), OK);
	unmap(shm);
	if (geteuid() == 0)
		assert_int_equal(chown(file_path, 12345, 12345), 0);
}

static void only_a_file_of_ours_is_mapped(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		void (*make)(void);
		enum err reader, writer;
		bool root; /* only root can make it */
	} rows[] = {
		{ "nothing", make_nothing, ERR_NOT_FOUND, OK, false },
		{ "empty", make_empty, ERR_NOT_FOUND, OK, false },
		{ "short", make_short, ERR_NOT_FOUND, OK, false },
		{ "longer", make_longer, ERR_NOT_FOUND, OK, false },
		{ "other layout", make_other_layout, ERR_NOT_FOUND, OK, false },
		{ "symbolic link", make_link, ERR_INTERNAL, ERR_INTERNAL, false },
		{ "fifo", make_fifo, ERR_INTERNAL, ERR_INTERNAL, false },
		{ "foreign", make_foreign, ERR_INTERNAL, ERR_INTERNAL, true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].root && geteuid() != 0)
			continue;
		struct shm *shm = NULL;
		remove_file(NULL);
		rows[i].make();
		enum err err = shm_map(file_path, false, &shm);
		if (err != rows[i].reader || shm || nlogged != (err == ERR_INTERNAL))
			fail_msg("%s: reader %d, %d lines", rows[i].name, err, nlogged);
		err = shm_map(file_path, true, &shm);
		if (err != rows[i].writer || (err == OK) != (shm != NULL))
			fail_msg("%s: writer %d", rows[i].name, err);
		if (!shm)
			continue;
		assert_int_equal(shm->counters[SHM_RELOADS], 0);
		unmap(shm);
		assert_int_equal(shm_map(file_path, false, &shm), OK);
		unmap(shm);
	}
}

static void a_mapping_outlives_its_replacement(void **state)
{
	(void)state;
	struct shm *old, *new;
	assert_int_equal(shm_map(file_path, true, &old), OK);
	old->magic ^= 1;
	assert_int_equal(shm_map(file_path, true, &new), OK);
	shm_count(old, SHM_RELOADS);
	old->rate[SHM_RATE_SLOTS - 1].key = 1;
	assert_int_equal(new->counters[SHM_RELOADS], 0);
	unmap(old);
	unmap(new);
}

static void a_place_that_cannot_be_written_is_a_fault(void **state)
{
	(void)state;
	struct shm *shm = NULL;
	assert_int_equal(shm_map("/nonexistent/rest.shm", true, &shm), ERR_INTERNAL);
	assert_int_equal(nlogged, 1);
	char path[5000];
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(shm_map(path, true, &shm), ERR_INTERNAL);
	assert_null(shm);
}

static void who_comes_second_uses_the_file_of_the_first(void **state)
{
	(void)state;
	struct shm *first, *second = NULL;
	assert_int_equal(shm_map(file_path, true, &first), OK);
	char temporary[80];
	snprintf(temporary, sizeof(temporary), "%s.x", file_path);
	assert_int_equal(make_file(temporary, &second), OK);
	assert_int_equal(place_file(temporary, file_path, false), ERR_CONFLICT);
	unlink(temporary);
	unmap(second);
	shm_count(first, SHM_RELOADS);
	assert_int_equal(shm_map(file_path, true, &second), OK);
	assert_int_equal(second->counters[SHM_RELOADS], 1);
	unmap(first);
	unmap(second);
}

static void a_restarted_machine_starts_with_full_buckets(void **state)
{
	(void)state;
	static const struct rate_limit limit = { "send", 1, 60 };
	struct shm *shm, *again;
	assert_int_equal(shm_map(file_path, true, &shm), OK);
	assert_true(rate_take(shm, &limit, STR("a"), INT64_C(900000000000)).allowed);
	shm_count(shm, SHM_RELOADS);
	assert_int_equal(shm_map(file_path, true, &again), OK);
	assert_false(rate_take(again, &limit, STR("a"), INT64_C(900000000000)).allowed);
	unmap(again);
	shm->boot ^= 1; /* as another start left it */
	assert_int_equal(shm_map(file_path, true, &again), OK);
	assert_true(rate_take(again, &limit, STR("a"), 5).allowed);
	assert_int_equal(again->counters[SHM_RELOADS], 1);
	assert_int_equal(again->boot, boot_number());
	unmap(shm);
	unmap(again);
}

static void every_counter_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < SHM_COUNTER__MAX; i++) {
		const struct shm_counter_info *info = &shm_counters[i];
		if (!info->name || !info->help)
			fail_msg("counter %d has none", i);
		size_t len = strlen(info->name);
		if (!str_starts(str_of(info->name), STR("parley_rest_")) || len < 6 ||
			strcmp(info->name + len - 6, "_total") != 0)
			fail_msg("%s", info->name);
		for (int other = 0; other < i; other++)
			assert_string_not_equal(info->name, shm_counters[other].name);
	}
	for (int i = 1; i < SHM_BUCKETS - 1; i++)
		assert_true(shm_bucket_us[i - 1] < shm_bucket_us[i]);
}

/* --- figures of routes ------------------------------------------------------------------------ */

static void a_route_has_one_row(void **state)
{
	(void)state;
	struct shm *shm = map_own();
	struct shm_route *list = shm_route_of(shm, "GET", "/conversations");
	struct shm_route *create = shm_route_of(shm, "POST", "/conversations");
	assert_non_null(list);
	assert_non_null(create);
	assert_ptr_not_equal(list, create);
	assert_ptr_equal(shm_route_of(shm, "GET", "/conversations"), list);
	assert_ptr_equal(shm_route_of(shm, "POST", "/conversations"), create);
	assert_string_equal(create->method, "POST");
	assert_string_equal(create->pattern, "/conversations");
	assert_int_equal(shm->nroutes, 2);
	unmap(shm);
}

static void long_labels_are_cut(void **state)
{
	(void)state;
	struct shm *shm = map_own();
	char pattern[200];
	memset(pattern, 'p', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	struct shm_route *route = shm_route_of(shm, "PROPPATCH", pattern);
	assert_string_equal(route->method, "PROPPAT");
	assert_int_equal(strlen(route->pattern), SHM_LABEL_BYTES - 1);
	assert_ptr_equal(shm_route_of(shm, "PROPPATCH", pattern), route);
	unmap(shm);
}

static void a_full_table_has_no_row(void **state)
{
	(void)state;
	struct shm *shm = map_own();
	char pattern[32];
	for (int i = 0; i < SHM_ROUTES_MAX; i++) {
		snprintf(pattern, sizeof(pattern), "/%d", i);
		assert_non_null(shm_route_of(shm, "GET", pattern));
	}
	assert_int_equal(shm->nroutes, SHM_ROUTES_MAX);
	assert_null(shm_route_of(shm, "GET", "/more"));
	assert_non_null(shm_route_of(shm, "GET", "/0"));
	unmap(shm);
}

/* A process claimed the row and died before it had written the labels. */
static void a_row_left_half_made_is_finished(void **state)
{
	(void)state;
	struct shm *shm = map_own();
	struct shm_route *route = shm_route_of(shm, "GET", "/x");
	memset(route->method, 0, sizeof(route->method));
	memset(route->pattern, 0, sizeof(route->pattern));
	shm->nroutes = 0;
	assert_ptr_equal(shm_route_of(shm, "GET", "/x"), route);
	assert_string_equal(route->method, "GET");
	assert_string_equal(route->pattern, "/x");
	assert_int_equal(shm->nroutes, 1);
	unmap(shm);
}

static void answers_are_counted_in_their_rows(void **state)
{
	(void)state;
	static const struct {
		int status;
		int64_t duration_us;
		int answers, bucket;
	} rows[] = {
		{ 200, 0, 2, 0 },
		{ 299, 500, 2, 0 },
		{ 304, 501, 3, 1 },
		{ 404, 100000, 4, 7 },
		{ 499, 100001, 4, 8 },
		{ 500, 2500000, 5, 9 },
		{ 503, 2500001, 5, 10 },
		{ 100, INT64_MAX / 4, 1, 10 },
		{ 0, 1, 0, 0 },
		{ 600, 1, 0, 0 },
		{ -1, 1, 0, 0 },
		{ 200, -5, 2, 0 },
	};
	struct shm *shm = map_own();
	struct shm_route *route = shm_route_of(shm, "GET", "/x");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t answers = route->answers[rows[i].answers];
		uint64_t bucket = route->buckets[rows[i].bucket];
		uint64_t sum = route->duration_us;
		shm_route_count(route, rows[i].status, rows[i].duration_us);
		uint64_t spent = rows[i].duration_us > 0 ? (uint64_t)rows[i].duration_us : 0;
		if (route->answers[rows[i].answers] != answers + 1 ||
			route->buckets[rows[i].bucket] != bucket + 1 ||
			route->duration_us != sum + spent)
			fail_msg("row %zu", i);
	}
	unmap(shm);
}

/* --- rate limits ------------------------------------------------------------------------------ */

static void a_bucket_empties_and_fills(void **state)
{
	(void)state;
	static const struct rate_limit limit = { "login", 3, 30 };
	static const struct {
		int64_t at_ms;
		bool allowed;
		uint32_t remaining, reset_s, retry_after_s;
	} rows[] = {
		{ 0, true, 2, 10, 0 }, { 0, true, 1, 20, 0 }, { 1000, true, 0, 29, 0 },
		{ 1000, false, 0, 29, 9 }, { 9000, false, 0, 21, 1 }, { 9999, false, 0, 21, 1 },
		{ 10000, true, 0, 30, 0 }, { 10000, false, 0, 30, 10 }, { 30000, true, 1, 20, 0 },
		{ 100000, true, 2, 10, 0 },
		{ 99000, true, 0, 21, 0 }, /* a request that was read a little earlier */
	};
	struct shm *shm = map_own();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t now_us = INT64_C(1000000000) + rows[i].at_ms * 1000;
		struct rate_answer answer = rate_take(shm, &limit, STR("alice"), now_us);
		if (answer.allowed != rows[i].allowed || answer.remaining != rows[i].remaining ||
			answer.reset_s != rows[i].reset_s ||
			answer.retry_after_s != rows[i].retry_after_s)
			fail_msg("row %zu: %d, %u left, reset %u, retry %u", i, answer.allowed,
				answer.remaining, answer.reset_s, answer.retry_after_s);
	}
	assert_int_equal(shm->counters[SHM_RATE_TABLE_FULL], 0);
	unmap(shm);
}

/* Whatever the division leaves over: quota at once, and quota more after each window. */
static void the_quota_is_exact_at_every_size(void **state)
{
	(void)state;
	static const struct rate_limit limits[] = {
		{ "a", 1, 1 },
		{ "b", 1, 86400 },
		{ "c", 7, 60 },
		{ "d", 13, 1 },
		{ "e", 60, 60 },
		{ "f", 100, 7 },
		{ "g", 1500, 1 },
		{ "h", 999983, 1000 },
		{ "i", 3000000, 1 },
	};
	struct shm *shm = map_own();
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t now_us = 12345;
		for (int round = 0; round < 2; round++) {
			uint32_t taken = 0;
			struct rate_answer answer;
			while ((answer = rate_take(shm, &limits[i], STR("k"), now_us)).allowed) {
				taken++;
				if (answer.remaining != limits[i].quota - taken)
					fail_msg("limit %zu: %u left after %u", i, answer.remaining,
						taken);
			}
			if (taken != limits[i].quota)
				fail_msg("limit %zu: %u of %u", i, taken, limits[i].quota);
			if (answer.retry_after_s < 1 || answer.reset_s < answer.retry_after_s)
				fail_msg("limit %zu: retry after %u of %u", i, answer.retry_after_s,
					answer.reset_s);
			now_us += shape_of(&limits[i]).burst_us;
		}
	}
	unmap(shm);
}

static void a_refused_client_may_come_back_when_it_is_told_to(void **state)
{
	(void)state;
	static const struct rate_limit limits[] = { { "a", 1, 60 }, { "b", 7, 60 },
		{ "c", 600, 60 } };
	struct shm *shm = map_own();
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t now_us = 777;
		struct rate_answer answer;
		while ((answer = rate_take(shm, &limits[i], STR("k"), now_us)).allowed)
			continue;
		if (!rate_take(shm, &limits[i], STR("k"), now_us + answer.retry_after_s * SECOND_US)
				.allowed)
			fail_msg("limit %zu: refused after %u s", i, answer.retry_after_s);
	}
	unmap(shm);
}

static void buckets_are_told_apart(void **state)
{
	(void)state;
	static const struct rate_limit limits[] = {
		{ "send", 1, 60 },
		{ "login", 1, 60 },
		{ "send", 1, 61 },
		{ "send", 2, 60 },
	};
	static const struct str keys[] = { { "a", 1 }, { "b", 1 }, { "a\0", 2 }, { "", 0 } };
	struct shm *shm = map_own();
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++)
			if (rate_take(shm, &limits[i], keys[k], 1).remaining != limits[i].quota - 1)
				fail_msg("limit %zu, key %zu has been used", i, k);
	assert_false(rate_take(shm, &limits[0], keys[0], 1).allowed);
	assert_false(rate_take(shm, &limits[0], (struct str){ NULL, 0 }, 1).allowed);
	unmap(shm);
}

static void a_quota_of_zero_is_no_limit(void **state)
{
	(void)state;
	static const struct rate_limit limit = { "send", 0, 60 };
	struct shm *shm = map_own();
	for (int i = 0; i < 1000; i++) {
		struct rate_answer answer = rate_take(shm, &limit, STR("a"), 1);
		assert_true(
			answer.allowed && answer.remaining == UINT32_MAX && answer.reset_s == 0);
	}
	for (int i = 0; i < SHM_RATE_SLOTS; i++)
		assert_int_equal(shm->rate[i].key, 0);
	unmap(shm);
}

static void extreme_limits_do_not_overflow(void **state)
{
	(void)state;
	static const struct rate_limit limits[] = {
		{ "a", UINT32_MAX, 1 },
		{ "b", UINT32_MAX, UINT32_MAX },
		{ "c", 1, UINT32_MAX },
		{ "d", 5, 0 },
	};
	struct shm *shm = map_own();
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rate_answer answer =
			rate_take(shm, &limits[i], STR("k"), INT64_C(4000000000000000));
		if (!answer.allowed || answer.remaining != limits[i].quota - 1)
			fail_msg("limit %zu: %u left", i, answer.remaining);
	}
	unmap(shm);
}

/* Fills all slots that the key may be in with others; full_at_us says when they are full again. */
static void crowd(struct shm *shm, uint64_t key, int64_t full_at_us)
{
	for (int i = 0; i < PROBES; i++) {
		struct shm_rate_slot *slot = probe(shm, key, i);
		slot->key = (uint64_t)i + 1;
		slot->full_at_us = full_at_us;
	}
}

static void a_crowded_table_lets_through_and_says_so(void **state)
{
	(void)state;
	static const struct rate_limit limit = { "send", 2, 60 };
	struct shm *shm = map_own();
	uint64_t key = rate_key(shm, &limit, STR("a"));
	crowd(shm, key, 5000);
	for (uint64_t i = 1; i <= 5; i++) {
		assert_true(rate_take(shm, &limit, STR("a"), 4999).allowed);
		assert_int_equal(shm->counters[SHM_RATE_TABLE_FULL], i);
	}
	assert_null(slot_find(shm, key));
	/* once a bucket is full again its slot can be had */
	assert_true(rate_take(shm, &limit, STR("a"), 5000).allowed);
	assert_true(rate_take(shm, &limit, STR("a"), 5000).allowed);
	assert_false(rate_take(shm, &limit, STR("a"), 5000).allowed);
	assert_int_equal(shm->counters[SHM_RATE_TABLE_FULL], 5);
	assert_ptr_equal(slot_find(shm, key), probe(shm, key, 0));
	unmap(shm);
}

static void a_free_slot_goes_before_a_used_one(void **state)
{
	(void)state;
	static const struct rate_limit limit = { "send", 2, 60 };
	struct shm *shm = map_own();
	uint64_t key = rate_key(shm, &limit, STR("a"));
	crowd(shm, key, 0);
	probe(shm, key, 5)->key = 0;
	assert_true(rate_take(shm, &limit, STR("a"), 5000).allowed);
	assert_ptr_equal(slot_find(shm, key), probe(shm, key, 5));
	/* and the key is found behind slots that have become free or full again */
	probe(shm, key, 0)->key = 0;
	assert_int_equal(rate_take(shm, &limit, STR("a"), 5000).remaining, 0);
	unmap(shm);
}

static void a_slot_lost_on_the_way_charges_nobody_else(void **state)
{
	(void)state;
	struct shm *shm = map_own();
	struct rate_shape shape = { 10, 100 };
	struct rate_answer answer;
	struct shm_rate_slot *slot = &shm->rate[0];
	slot->key = 2;
	slot->full_at_us = 1050;
	assert_false(slot_take(slot, 1, shape, 1000, &answer));
	assert_int_equal(slot->full_at_us, 1050);
	assert_true(slot_take(slot, 2, shape, 1000, &answer));
	assert_int_equal(slot->full_at_us, 1060);
	unmap(shm);
}

/* Starts PROCESSES at once; each takes tries requests of each of nkeys keys and adds up what it was
 * given. */
static void take_in_parallel(struct shm *shm, const struct rate_limit *limit, int nkeys, int tries,
	_Atomic uint32_t *given, bool same_clock)
{
	pid_t children[PROCESSES];
	_Atomic uint32_t *waiting = &given[nkeys];
	for (int child = 0; child < PROCESSES; child++) {
		children[child] = fork();
		assert_true(children[child] >= 0);
		if (children[child] > 0)
			continue;
		atomic_fetch_add(waiting, 1);
		while (atomic_load(waiting) < PROCESSES)
			continue;
		for (int i = 0; i < tries * nkeys; i++) {
			char key[16];
			int len = snprintf(key, sizeof(key), "key %d", i % nkeys);
			/* every worker reads its clock at another moment */
			int64_t now_us = 1000000 + (same_clock ? 0 : (i * 7 + child * 13) % 50);
			if (rate_take(shm, limit, (struct str){ key, (size_t)len }, now_us).allowed)
				atomic_fetch_add(&given[i % nkeys], 1);
		}
		_exit(0);
	}
	for (int child = 0; child < PROCESSES; child++) {
		int status;
		assert_int_equal(waitpid(children[child], &status, 0), children[child]);
		assert_int_equal(status, 0);
	}
}

static void several_processes_get_exactly_the_quota(void **state)
{
	(void)state;
	static const struct {
		struct rate_limit limit;
		int nkeys, tries;
		bool same_clock;
	} rows[] = {
		{ { "one", 1, 60 }, 1, 1000, true },
		{ { "send", 1000, 60 }, 1, 2000, true },
		{ { "send", 20000, 3600 }, 1, 10000, false },
		{ { "many", 50, 60 }, 40, 100, true },
		{ { "many", 333, 600 }, 20, 300, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shm *shm;
		assert_int_equal(shm_map(file_path, true, &shm), OK);
		size_t bytes = sizeof(uint32_t) * ((size_t)rows[i].nkeys + 1);
		void *counters = mmap(
			NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(counters, MAP_FAILED);
		_Atomic uint32_t *given = counters;
		take_in_parallel(shm, &rows[i].limit, rows[i].nkeys, rows[i].tries, given,
			rows[i].same_clock);
		for (int key = 0; key < rows[i].nkeys; key++) {
			/* the last of a quota is refused to whoever reads an earlier clock than the
			 * first */
			uint32_t quota = rows[i].limit.quota;
			uint32_t least = rows[i].same_clock ? quota : quota - 1;
			if (given[key] > quota || given[key] < least)
				fail_msg("row %zu, key %d: %u of %u", i, key, given[key], quota);
		}
		assert_int_equal(shm->counters[SHM_RATE_TABLE_FULL], 0);
		munmap(counters, bytes);
		unmap(shm);
		unlink(file_path);
	}
}

static void several_processes_make_each_route_once(void **state)
{
	(void)state;
	enum {
		ROUTES = 100
	};
	struct shm *shm = map_own();
	pid_t children[PROCESSES];
	for (int child = 0; child < PROCESSES; child++) {
		children[child] = fork();
		assert_true(children[child] >= 0);
		if (children[child] > 0)
			continue;
		shm_count(shm, SHM_WORKERS_STARTED);
		while (atomic_load(&shm->counters[SHM_WORKERS_STARTED]) < PROCESSES)
			continue;
		for (int i = 0; i < ROUTES * 20; i++) {
			char pattern[32];
			snprintf(pattern, sizeof(pattern), "/%d", (i * 3 + child) % ROUTES);
			shm_route_count(shm_route_of(shm, "GET", pattern), 200, 1);
		}
		_exit(0);
	}
	for (int child = 0; child < PROCESSES; child++) {
		int status;
		assert_int_equal(waitpid(children[child], &status, 0), children[child]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(shm->nroutes, ROUTES);
	for (int i = 0; i < ROUTES; i++) {
		if (shm->routes[i].answers[2] != 20 * PROCESSES)
			fail_msg("%s: %d answers", shm->routes[i].pattern,
				(int)shm->routes[i].answers[2]);
		for (int other = 0; other < i; other++)
			assert_string_not_equal(shm->routes[i].pattern, shm->routes[other].pattern);
	}
	unmap(shm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_one_writes_the_other_reads, remove_file),
		cmocka_unit_test_setup(a_reader_cannot_write, remove_file),
		cmocka_unit_test_setup(only_a_file_of_ours_is_mapped, remove_file),
		cmocka_unit_test_setup(a_mapping_outlives_its_replacement, remove_file),
		cmocka_unit_test_setup(a_place_that_cannot_be_written_is_a_fault, remove_file),
		cmocka_unit_test_setup(who_comes_second_uses_the_file_of_the_first, remove_file),
		cmocka_unit_test_setup(a_restarted_machine_starts_with_full_buckets, remove_file),
		cmocka_unit_test(every_counter_has_a_name_and_a_text),
		cmocka_unit_test(a_route_has_one_row),
		cmocka_unit_test(long_labels_are_cut),
		cmocka_unit_test(a_full_table_has_no_row),
		cmocka_unit_test(a_row_left_half_made_is_finished),
		cmocka_unit_test(answers_are_counted_in_their_rows),
		cmocka_unit_test(a_bucket_empties_and_fills),
		cmocka_unit_test(the_quota_is_exact_at_every_size),
		cmocka_unit_test(a_refused_client_may_come_back_when_it_is_told_to),
		cmocka_unit_test(buckets_are_told_apart),
		cmocka_unit_test(a_quota_of_zero_is_no_limit),
		cmocka_unit_test(extreme_limits_do_not_overflow),
		cmocka_unit_test(a_crowded_table_lets_through_and_says_so),
		cmocka_unit_test(a_free_slot_goes_before_a_used_one),
		cmocka_unit_test(a_slot_lost_on_the_way_charges_nobody_else),
		cmocka_unit_test_setup(several_processes_get_exactly_the_quota, remove_file),
		cmocka_unit_test_setup(several_processes_make_each_route_once, remove_file),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
