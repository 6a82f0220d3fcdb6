/*
 * Shared memory of parley-rest as text for Prometheus; see the header. Called by main.c for http.c.
 */
#include "push/rest_metrics.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "push/metrics.h"

enum {
	LOOK_EACH_US = 1000000
};

static const char *const status_classes[] = { NULL, "1xx", "2xx", "3xx", "4xx", "5xx" };

void rest_metrics_close(struct rest_metrics *rest)
{
	/* shm.h keeps a mapping for the life of a process; here workers come and go meanwhile */
	if (rest->shm != NULL)
		munmap(rest->shm, sizeof(*rest->shm));
	rest->shm = NULL;
}

/* The same file, and whole? Reading beyond the end of a file that was cut short would be fatal. */
static bool is_current(const struct rest_metrics *rest, const struct stat *now)
{
	return rest->shm != NULL && now->st_dev == rest->device && now->st_ino == rest->inode &&
	       now->st_size >= (off_t)sizeof(*rest->shm);
}

static void rest_look(struct rest_metrics *rest, int64_t now_us)
{
	struct stat now = { 0 };
	bool there = stat(rest->path, &now) == 0;
	if (there && is_current(rest, &now))
		return;
	rest_metrics_close(rest);
	if (!there || (rest->looked_at_us != 0 && now_us - rest->looked_at_us < LOOK_EACH_US))
		return;
	rest->looked_at_us = now_us;
	struct shm *shm = NULL;
	if (shm_map(rest->path, false, &shm) != OK)
		return;
	rest->shm = shm;
	rest->device = now.st_dev;
	rest->inode = now.st_ino;
}

static void counters_write(struct buf *buf, const struct shm *shm)
{
	for (enum shm_counter counter = 0; counter < SHM_COUNTER__MAX; counter++) {
		const struct shm_counter_info *info = &shm_counters[counter];
		metrics_write_head(buf, info->name, "counter", info->help);
		buf_printf(buf, "%s %" PRIu64 "\n", info->name,
			atomic_load_explicit(&shm->counters[counter], memory_order_relaxed));
	}
}

/* The text of a label, which may fill its array to the end. */
static struct str label_of(const char *text, size_t cap)
{
	return (struct str){ text, strnlen(text, cap) };
}

static void route_labels_write(struct buf *buf, const struct shm_route *route)
{
	metrics_write_label(buf, "method", label_of(route->method, sizeof(route->method)));
	buf_add_char(buf, ',');
	metrics_write_label(buf, "route", label_of(route->pattern, sizeof(route->pattern)));
}

static void answers_write(struct buf *buf, const char *name, const struct shm_route *route)
{
	for (size_t i = 1; i < sizeof(status_classes) / sizeof(status_classes[0]); i++) {
		uint64_t count = atomic_load_explicit(&route->answers[i], memory_order_relaxed);
		if (count == 0)
			continue;
		buf_printf(buf, "%s{", name);
		route_labels_write(buf, route);
		buf_printf(buf, ",status=\"%s\"} %" PRIu64 "\n", status_classes[i], count);
	}
}

static void durations_write(struct buf *buf, const char *name, const struct shm_route *route)
{
	uint64_t count = 0;
	for (size_t i = 0; i < SHM_BUCKETS; i++) {
		count += atomic_load_explicit(&route->buckets[i], memory_order_relaxed);
		buf_printf(buf, "%s_bucket{", name);
		route_labels_write(buf, route);
		buf_add_string(buf, ",le=\"");
		if (i < SHM_BUCKETS - 1)
			metrics_write_seconds(buf, shm_bucket_us[i]);
		else
			buf_add_string(buf, "+Inf");
		buf_printf(buf, "\"} %" PRIu64 "\n", count);
	}
	buf_printf(buf, "%s_sum{", name);
	route_labels_write(buf, route);
	buf_add_string(buf, "} ");
	metrics_write_seconds(
		buf, (int64_t)atomic_load_explicit(&route->duration_us, memory_order_relaxed));
	buf_printf(buf, "\n%s_count{", name);
	route_labels_write(buf, route);
	buf_printf(buf, "} %" PRIu64 "\n", count);
}

static void routes_write(struct buf *buf, const struct shm *shm)
{
	static const char requests[] = "parley_rest_requests_total";
	static const char durations[] = "parley_rest_request_duration_seconds";
	uint32_t nroutes = atomic_load_explicit(&shm->nroutes, memory_order_acquire);
	if (nroutes > SHM_ROUTES_MAX)
		nroutes = SHM_ROUTES_MAX;

	metrics_write_head(buf, requests, "counter", "Requests answered, by route and status.");
	for (uint32_t i = 0; i < nroutes; i++)
		answers_write(buf, requests, &shm->routes[i]);
	metrics_write_head(
		buf, durations, "histogram", "Time from a request's arrival to its answer.");
	for (uint32_t i = 0; i < nroutes; i++)
		durations_write(buf, durations, &shm->routes[i]);
}

void rest_metrics_write(struct buf *buf, struct rest_metrics *rest, int64_t now_us)
{
	static const char readable[] = "parley_rest_metrics_readable";
	rest_look(rest, now_us);
	metrics_write_head(buf, readable, "gauge", "1 while the workers' figures can be read.");
	buf_printf(buf, "%s %d\n", readable, rest->shm != NULL);
	if (rest->shm == NULL)
		return;
	counters_write(buf, rest->shm);
	routes_write(buf, rest->shm);
}
