/* The REST workers' figures: read from a file that comes, goes and is replaced. */
#include "push/rest_metrics.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND 1000000

struct fixture {
	char folder[64];
	char path[96];
	char other[96];
	struct rest_metrics rest;
	char page[262144];
};

static int folder_make(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/parley-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/rest.shm", fixture->folder);
	snprintf(fixture->other, sizeof(fixture->other), "%s/other.shm", fixture->folder);
	fixture->rest.path = fixture->path;
	*state = fixture;
	return 0;
}

static int folder_remove(void **state)
{
	struct fixture *fixture = *state;
	rest_metrics_close(&fixture->rest);
	unlink(fixture->path);
	unlink(fixture->other);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static const char *page_at(struct fixture *fixture, int64_t now_us)
{
	struct buf buf = { 0 };
	rest_metrics_write(&buf, &fixture->rest, now_us);
	assert_true(buf.len < sizeof(fixture->page));
	memcpy(fixture->page, buf.data, buf.len);
	fixture->page[buf.len] = '\0';
	buf_free(&buf);
	return fixture->page;
}

static void expect(const char *page, const char *text)
{
	if (strstr(page, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, page);
}

/* A file of the workers, with so many requests counted. */
static void workers_make(const char *path, int requests)
{
	struct shm *shm = NULL;
	assert_int_equal(shm_map(path, true, &shm), OK);
	struct shm_route *route = shm_route_of(shm, "GET", "/users/{id}");
	assert_non_null(route);
	for (int i = 0; i < requests; i++)
		shm_route_count(route, 200, 1);
	munmap(shm, sizeof(*shm));
}

static void figures_are_written(void **state)
{
	struct fixture *fixture = *state;
	struct shm *shm = NULL;
	assert_int_equal(shm_map(fixture->path, true, &shm), OK);
	shm_count(shm, SHM_RELOADS);
	struct shm_route *route = shm_route_of(shm, "POST", "/a\"b");
	shm_route_count(route, 201, shm_bucket_us[0]);
	shm_route_count(route, 404, shm_bucket_us[0] + 1);
	shm_route_count(route, 201, shm_bucket_us[SHM_BUCKETS - 2] + 1);
	const char *page = page_at(fixture, SECOND);
	expect(page, "parley_rest_metrics_readable 1\n");
	expect(page, shm_counters[SHM_RELOADS].name);
	expect(page, "requests_total{method=\"POST\",route=\"/a\\\"b\",status=\"2xx\"} 2\n");
	expect(page, "requests_total{method=\"POST\",route=\"/a\\\"b\",status=\"4xx\"} 1\n");
	expect(page, "duration_seconds_bucket{method=\"POST\",route=\"/a\\\"b\",le=\"+Inf\"} 3\n");
	expect(page, "duration_seconds_count{method=\"POST\",route=\"/a\\\"b\"} 3\n");
	assert_null(strstr(page, "5xx"));
	munmap(shm, sizeof(*shm));
}

static void a_file_may_come_go_and_be_replaced(void **state)
{
	struct fixture *fixture = *state;
	expect(page_at(fixture, SECOND), "parley_rest_metrics_readable 0\n");
	workers_make(fixture->path, 1);
	expect(page_at(fixture, 2 * SECOND), "status=\"2xx\"} 1\n");

	workers_make(fixture->other, 5);
	assert_int_equal(rename(fixture->other, fixture->path), 0);
	expect(page_at(fixture, 3 * SECOND), "status=\"2xx\"} 5\n");

	assert_int_equal(unlink(fixture->path), 0);
	expect(page_at(fixture, 4 * SECOND), "parley_rest_metrics_readable 0\n");
}

static void what_is_no_such_file_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	workers_make(fixture->path, 1);
	expect(page_at(fixture, SECOND), "parley_rest_metrics_readable 1\n");
	/* cut short under our eyes */
	assert_int_equal(truncate(fixture->path, 100), 0);
	expect(page_at(fixture, 3 * SECOND), "parley_rest_metrics_readable 0\n");
	/* of the right size, and nothing in it */
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(truncate(fixture->path, sizeof(struct shm)), 0);
	expect(page_at(fixture, 5 * SECOND), "parley_rest_metrics_readable 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(figures_are_written, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			a_file_may_come_go_and_be_replaced, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			what_is_no_such_file_is_not_read, folder_make, folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
