/*
 * The parent of the workers: owns the listening sockets, keeps rest_workers of them alive, and password_concurrency
 * and attachment_workers more on sockets of their own, replaces the fallen, and hands over to a new generation on SIGHUP
 * without closing the sockets. It never touches a request.
 */
#ifndef REST_PARENT_H
#define REST_PARENT_H

#include "lib/conf.h"
#include "lib/jose.h"
#include "lib/shm.h"

/* Workers by the socket that they serve. All of them can do everything; what takes long is sent to the others by the web
 * server, and waits there without keeping anybody from the first. With an inherited socket there are no others. */
enum pool {
	POOL_QUICK,
	POOL_PASSWORD,	 /* on rest_socket and ".password" */
	POOL_ATTACHMENT, /* on rest_socket and ".attachment" */
	POOL__MAX
};

struct parent_job {
	const struct conf *conf;
	struct jose_keys *keys;
	struct shm *shm;
	int listen_fd;					  /* -1: make the sockets of the settings */
	enum pool pool;					  /* of a worker */
	char **argv;					  /* to start itself anew on SIGHUP */
	void (*worker_run)(const struct parent_job *job); /* in the child, until it is to stop */
};

/* Until SIGTERM or SIGINT; the process's exit status. */
int parent_run(const struct parent_job *job);

#endif
