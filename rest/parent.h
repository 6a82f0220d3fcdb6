/*
 * The parent of the workers: owns the listening socket, keeps rest_workers of them alive, replaces
 * the fallen, and hands over to a new generation on SIGHUP without closing the socket. It never
 * touches a request.
 */
#ifndef REST_PARENT_H
#define REST_PARENT_H

#include "lib/conf.h"
#include "lib/jose.h"
#include "lib/shm.h"

struct parent_job {
	const struct conf *conf;
	struct jose_keys *keys;
	struct shm *shm;
	int listen_fd;					  /* -1: make rest_socket */
	char **argv;					  /* to start itself anew on SIGHUP */
	void (*worker_run)(const struct parent_job *job); /* in the child, until it is to stop */
};

/* Until SIGTERM or SIGINT; the process's exit status. */
int parent_run(const struct parent_job *job);

#endif
