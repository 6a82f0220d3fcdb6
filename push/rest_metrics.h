/*
 * The REST workers' part of the metrics page: read from the memory that they share (lib/shm.h).
 */
#ifndef PUSH_REST_METRICS_H
#define PUSH_REST_METRICS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/shm.h"

/* The shared memory at a path, which may not be there yet, or be replaced. Zeroed but for the path.
 */
struct rest_metrics {
	const char *path; /* borrowed */
	struct shm *shm;  /* NULL: not there */
	dev_t device;
	ino_t inode;
	int64_t looked_at_us;
};

/* Looks for the file again, at most each second, and writes what it holds to buf; whether there is
 * any is a metric, too. */
void rest_metrics_write(struct buf *buf, struct rest_metrics *rest, int64_t now_us);

/* Lets go of the file. */
void rest_metrics_close(struct rest_metrics *rest);

#endif
