/* Contents by their hash: names, and what is on the disk after each step. */
#include "lib/blob.c"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char folder[64], path[128];
static int dir;

static int remove_one(const char *entry, const struct stat *info, int type, struct FTW *place)
{
	(void)info, (void)type, (void)place;
	return remove(entry);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/parley-blob-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/some/where", folder);
	assert_int_equal(blob_dir_open(path, &dir), OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Files that are there, in tmp/ or not. */
static int nfound, nspooled;

static int count_one(const char *entry, const struct stat *info, int type, struct FTW *place)
{
	(void)info, (void)place;
	if (type == FTW_F) {
		nfound++;
		nspooled += strstr(entry, "/where/tmp/") != NULL;
	}
	return 0;
}

static void expect_files(int files, int spooled)
{
	nfound = nspooled = 0;
	assert_int_equal(nftw(path, count_one, 8, FTW_PHYS), 0);
	assert_int_equal(nfound, files);
	assert_int_equal(nspooled, spooled);
}

static struct blob_name name_of(uint8_t first, enum blob_kind kind)
{
	struct blob_name name = { .kind = kind };

	for (size_t i = 0; i < BLOB_HASH_BYTES; i++)
		name.sha256[i] = (uint8_t)(first + i);
	return name;
}

static void put(struct blob_name name, const char *text)
{
	struct blob_spool spool = { .fd = -1 };

	assert_int_equal(blob_spool_begin(dir, &spool), OK);
	assert_int_equal(blob_spool_write(&spool, text, strlen(text)), OK);
	assert_int_equal(blob_spool_flush(&spool), OK);
	assert_int_equal(blob_spool_keep(dir, &spool, &name), OK);
	blob_spool_end(dir, &spool);
	assert_int_equal(spool.fd, -1);
}

static void expect_content(struct blob_name name, const char *text)
{
	char got[64] = "";
	int fd;

	assert_int_equal(blob_open(dir, &name, &fd), OK);
	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void a_key_is_the_hash(void **state)
{
	struct blob_name name = name_of(0xab, BLOB_CONTENT);
	char key[BLOB_KEY_BYTES];

	(void)state;
	blob_key(&name, key);
	assert_string_equal(
		key, "ab/abacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9ca");
	name.kind = BLOB_THUMBNAIL;
	blob_key(&name, key);
	assert_string_equal(
		key, "ab/abacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9ca.thumb");
	assert_int_equal(strlen(key), BLOB_KEY_BYTES - 1);
}

static void what_was_kept_is_there(void **state)
{
	struct blob_name content = name_of(1, BLOB_CONTENT), thumb = name_of(1, BLOB_THUMBNAIL);
	int fd = -2;

	(void)state;
	assert_int_equal(blob_open(dir, &content, &fd), ERR_NOT_FOUND);
	assert_int_equal(fd, -2);
	put(content, "content");
	put(thumb, "picture");
	expect_content(content, "content");
	expect_content(thumb, "picture");
	expect_files(2, 0);
}

static void the_same_content_is_there_once(void **state)
{
	(void)state;
	put(name_of(1, BLOB_CONTENT), "content");
	put(name_of(1, BLOB_CONTENT), "content");
	expect_content(name_of(1, BLOB_CONTENT), "content");
	expect_files(1, 0);
}

static void what_is_not_kept_leaves_nothing(void **state)
{
	struct blob_spool spool;

	(void)state;
	assert_int_equal(blob_spool_begin(dir, &spool), OK);
	assert_int_equal(blob_spool_write(&spool, "half", 4), OK);
	expect_files(1, 1);
	blob_spool_end(dir, &spool);
	expect_files(0, 0);
	blob_spool_end(dir, &spool); /* again: nothing */
}

static void a_full_disk_is_unavailable(void **state)
{
	struct blob_spool spool = { .fd = open("/dev/full", O_WRONLY), .path = "tmp/full" };

	(void)state;
	assert_true(spool.fd >= 0);
	assert_int_equal(blob_spool_write(&spool, "x", 1), ERR_UNAVAILABLE);
	close(spool.fd);
}

static void removing_is_done_again_and_again(void **state)
{
	struct blob_name name = name_of(1, BLOB_CONTENT);
	int fd;

	(void)state;
	put(name, "content");
	put(name_of(1, BLOB_THUMBNAIL), "picture");
	assert_int_equal(blob_remove(dir, &name), OK);
	assert_int_equal(blob_remove(dir, &name), OK);
	assert_int_equal(blob_open(dir, &name, &fd), ERR_NOT_FOUND);
	expect_content(name_of(1, BLOB_THUMBNAIL), "picture");
}

/* Only what no upload can be at any more. */
static void what_the_dead_left_is_removed_after_an_hour(void **state)
{
	static const struct {
		const char *file;
		int age_s;
	} rows[] = { { "old", BLOB_SPOOL_MAX_AGE_S + 60 }, { "young", 60 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct timespec times[2] = { { time(NULL) - rows[i].age_s, 0 },
			{ time(NULL) - rows[i].age_s, 0 } };
		char file[64];

		snprintf(file, sizeof(file), "tmp/%s", rows[i].file);
		close(openat(dir, file, O_CREAT | O_WRONLY, 0600));
		assert_int_equal(utimensat(dir, file, times, 0), 0);
	}
	blob_dir_clean(dir);
	expect_files(1, 1);
	assert_int_equal(faccessat(dir, "tmp/young", F_OK, 0), 0);
}

static void who_is_not_of_the_group_may_not_look(void **state)
{
	struct blob_name name = name_of(1, BLOB_CONTENT);
	char key[BLOB_KEY_BYTES];
	struct stat info;

	(void)state;
	put(name, "content");
	blob_key(&name, key);
	assert_int_equal(fstatat(dir, key, &info, 0), 0);
	assert_int_equal(info.st_mode & 0777, 0640);
	key[2] = '\0';
	assert_int_equal(fstatat(dir, key, &info, 0), 0);
	assert_int_equal(info.st_mode & 0777, 0750);
	assert_int_equal(fstat(dir, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0750);
}

static void a_directory_that_cannot_be_is_unavailable(void **state)
{
	int none = -2;

	(void)state;
	assert_int_equal(blob_dir_open("/dev/null/below", &none), ERR_UNAVAILABLE);
	assert_int_equal(none, -2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_the_hash),
		TEST(what_was_kept_is_there),
		TEST(the_same_content_is_there_once),
		TEST(what_is_not_kept_leaves_nothing),
		TEST(a_full_disk_is_unavailable),
		TEST(removing_is_done_again_and_again),
		TEST(what_the_dead_left_is_removed_after_an_hour),
		TEST(who_is_not_of_the_group_may_not_look),
		TEST(a_directory_that_cannot_be_is_unavailable),
	};
	log_open("blob_test", LOG_LEVEL_ERROR + 1);
	umask(0022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
