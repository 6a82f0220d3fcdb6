/*
 * The parent of the workers (parent.h). Called by main.c.
 *
 * SIGHUP: the configuration is tried by a child with --check; when it is good the parent executes
 * itself, so that a new program is taken up, too. The listening socket and the pids of the old
 * workers go with it in PARLEY_HANDOVER; the new generation is started before the old one is told
 * to finish.
 */
#include "rest/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/time.h"

enum {
	POOL_MAX = 64, /* workers of each */
	WORKERS_MAX = POOL__MAX * POOL_MAX,
	OLD_MAX = 2 * WORKERS_MAX,
	HANDOVER_BYTES = 12 * POOL__MAX + OLD_MAX * 12,
	/* A worker that lived less long than this is started again only after a pause, which
	 * doubles. */
	SHORT_LIFE_US = 1000000,
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 1000,
	/* SIGTERM is repeated at this pace: one that comes between libfcgi's look at its flag and
	 * accept() is lost. */
	TERM_PACE_MS = 50,
	DRAIN_MS = 10000,
};

struct parent {
	const struct parent_job *job;
	int listen_fds[POOL__MAX]; /* -1: none */
	struct {
		pid_t pid; /* 0: none */
		int64_t started_us;
	} workers[WORKERS_MAX]; /* POOL_MAX places for each pool */
	pid_t old[OLD_MAX];	/* of an earlier generation, on their way out; 0: none */
	int64_t old_since_us;
	int pause_ms; /* before the next start; 0: none */
	int64_t start_at_us;
};

/* ---- the socket -------------------------------------------------------------------------------
 */

/* A lock beside the socket says whether its owner lives; unlike the socket it ends with the process
 * that holds it. */
static void lock_socket(const char *path)
{
	char lock_path[256];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	if ((size_t)snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >= sizeof(lock_path))
		fatal("rest_socket is too long", LOG_STR("path", path));
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_error_errno("cannot make the lock of rest_socket", LOG_STR("path", lock_path));
		log_exit();
	}
	if (fcntl(fd, F_SETLK, &lock) != 0)
		fatal("another parley-rest owns rest_socket", LOG_STR("path", path));
	/* fd stays open: closing it would give up the lock */
}

static int open_socket(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	mode_t mask;

	if (strlen(path) >= sizeof(address.sun_path))
		fatal("path is too long for a UNIX socket", LOG_STR("path", path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	mask = umask(0117);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(fd, backlog) != 0) {
		log_error_errno("cannot listen", LOG_STR("path", path));
		log_exit();
	}
	umask(mask);
	return fd;
}

/* Valid until it is called again. */
static const char *pool_path(const struct conf *conf, enum pool pool)
{
	static const char *const suffixes[POOL__MAX] = {
		[POOL_QUICK] = "",
		[POOL_PASSWORD] = ".password",
		[POOL_ATTACHMENT] = ".attachment",
	};
	static char path[256];

	if ((size_t)snprintf(path, sizeof(path), "%s%s", conf->rest_socket, suffixes[pool]) >=
		sizeof(path))
		fatal("rest_socket is too long", LOG_STR("path", conf->rest_socket));
	return path;
}

static int pool_size(const struct parent_job *job, enum pool pool)
{
	const int sizes[POOL__MAX] = {
		[POOL_QUICK] = job->conf->rest_workers,
		[POOL_PASSWORD] = job->conf->password_concurrency,
		[POOL_ATTACHMENT] = job->conf->attachment_workers,
	};

	return job->listen_fd < 0 || pool == POOL_QUICK ? sizes[pool] : 0;
}

/* Without a pool of its own its address is another name of the first: the web server need not know. */
static void socket_link(struct parent *parent, enum pool pool)
{
	const struct conf *conf = parent->job->conf;
	const char *path = pool_path(conf, pool), *name = strrchr(conf->rest_socket, '/');

	if (parent->listen_fds[pool] >= 0)
		close(parent->listen_fds[pool]);
	parent->listen_fds[pool] = -1;
	unlink(path);
	if (symlink(name ? name + 1 : conf->rest_socket, path) != 0)
		log_error_errno("cannot make a name for a socket", LOG_STR("path", path));
}

/* Those that an earlier generation has not handed over. */
static void sockets_open(struct parent *parent)
{
	const struct parent_job *job = parent->job;

	if (job->listen_fd >= 0) {
		parent->listen_fds[POOL_QUICK] = job->listen_fd;
		return;
	}
	lock_socket(job->conf->rest_socket); /* of what was handed over still ours: same process */
	for (int pool = 0; pool < POOL__MAX; pool++) {
		if (pool_size(job, (enum pool)pool) == 0)
			socket_link(parent, (enum pool)pool);
		else if (parent->listen_fds[pool] < 0)
			parent->listen_fds[pool] = open_socket(
				pool_path(job->conf, (enum pool)pool), job->conf->rest_backlog);
	}
}

/* ---- workers ----------------------------------------------------------------------------------
 */

static void signals_of_parent(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static void worker_start(struct parent *parent, int i)
{
	pid_t self = getpid(), pid = fork();
	struct parent_job job = *parent->job;
	sigset_t set;

	if (pid < 0) {
		log_error_errno("cannot fork a worker");
		parent->pause_ms = PAUSE_MAX_MS;
		return;
	}
	if (pid > 0) {
		parent->workers[i].pid = pid;
		parent->workers[i].started_us = time_mono_us();
		shm_count(job.shm, SHM_WORKERS_STARTED);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != self) /* the parent died before that took hold */
		_exit(0);
	job.pool = (enum pool)(i / POOL_MAX);
	job.listen_fd = parent->listen_fds[job.pool];
	signals_of_parent(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	job.worker_run(&job);
	_exit(0);
}

static void workers_fill(struct parent *parent)
{
	if (parent->pause_ms > 0 && time_mono_us() < parent->start_at_us)
		return;
	for (int i = 0; i < WORKERS_MAX; i++) {
		if (i % POOL_MAX < pool_size(parent->job, (enum pool)(i / POOL_MAX)) &&
			parent->workers[i].pid == 0)
			worker_start(parent, i);
	}
}

static void worker_ended(struct parent *parent, int i, int status)
{
	int64_t lived_us = time_mono_us() - parent->workers[i].started_us;

	log_warn("a worker ended: starting another", LOG_INT("pid_ended", parent->workers[i].pid),
		LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		LOG_INT("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1));
	shm_count(parent->job->shm, SHM_WORKERS_DIED);
	parent->workers[i].pid = 0;
	if (lived_us >= SHORT_LIFE_US) {
		parent->pause_ms = 0;
		return;
	}
	parent->pause_ms = parent->pause_ms == 0 ? PAUSE_MIN_MS : 2 * parent->pause_ms;
	if (parent->pause_ms > PAUSE_MAX_MS)
		parent->pause_ms = PAUSE_MAX_MS;
	parent->start_at_us = time_mono_us() + (int64_t)parent->pause_ms * 1000;
}

static void children_reap(struct parent *parent)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < WORKERS_MAX; i++) {
			if (parent->workers[i].pid == pid)
				worker_ended(parent, i, status);
		}
		for (int i = 0; i < OLD_MAX; i++) {
			if (parent->old[i] == pid)
				parent->old[i] = 0;
		}
	}
}

/* ---- an older generation ----------------------------------------------------------------------
 */

static bool old_any(const struct parent *parent)
{
	for (int i = 0; i < OLD_MAX; i++) {
		if (parent->old[i] > 0)
			return true;
	}
	return false;
}

/* Tells the old ones to finish, again and again, and in the end makes them. */
static void old_stop(struct parent *parent)
{
	bool late = time_mono_us() - parent->old_since_us > (int64_t)DRAIN_MS * 1000;

	for (int i = 0; i < OLD_MAX; i++) {
		if (parent->old[i] > 0)
			kill(parent->old[i], late ? SIGKILL : SIGTERM);
	}
}

/* All present workers become old. */
static void workers_retire(struct parent *parent)
{
	int slot = 0;

	for (int i = 0; i < WORKERS_MAX; i++) {
		while (slot < OLD_MAX && parent->old[slot] > 0)
			slot++;
		if (parent->workers[i].pid == 0 || slot == OLD_MAX)
			continue;
		parent->old[slot] = parent->workers[i].pid;
		parent->workers[i].pid = 0;
	}
	parent->old_since_us = time_mono_us();
}

/* ---- reload -----------------------------------------------------------------------------------
 */

/* "fd/fd/fd:pid,pid,…" from the parent that was: the sockets of the pools, and workers. A parent of before there were as many
 * pools hands over fewer sockets. False when there is none. */
static bool handover_take(struct parent *parent)
{
	char *text = getenv("PARLEY_HANDOVER"), *at;
	int slot = 0;

	if (!text)
		return false;
	parent->listen_fds[POOL_QUICK] = (int)strtol(text, &at, 10);
	for (int pool = POOL_QUICK + 1; pool < POOL__MAX && *at == '/'; pool++)
		parent->listen_fds[pool] = (int)strtol(at + 1, &at, 10);
	while (*at != '\0' && slot < OLD_MAX)
		parent->old[slot++] = (pid_t)strtol(at + 1, &at, 10);
	unsetenv("PARLEY_HANDOVER");
	parent->old_since_us = time_mono_us();
	return true;
}

static void handover_give(const struct parent *parent)
{
	char text[HANDOVER_BYTES];
	size_t len =
		(size_t)snprintf(text, sizeof(text), "%d/%d/%d:", parent->listen_fds[POOL_QUICK],
			parent->listen_fds[POOL_PASSWORD], parent->listen_fds[POOL_ATTACHMENT]);
	char separator[2] = "";

	for (int i = 0; i < OLD_MAX; i++) {
		if (parent->old[i] <= 0)
			continue;
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%d", separator, (int)parent->old[i]);
		separator[0] = ',';
	}
	setenv("PARLEY_HANDOVER", text, 1);
}

/* Would the program start with the configuration as it now is? */
static bool reload_is_good(const struct parent *parent)
{
	char *const *argv = parent->job->argv;
	char *check[16], only_check[] = "--check";
	int status = 1, n = 0;
	pid_t pid;

	for (; n < 14 && argv[n]; n++)
		check[n] = argv[n];
	check[n] = only_check;
	check[n + 1] = NULL;
	pid = fork();
	if (pid == 0) {
		sigset_t set;

		signals_of_parent(&set);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		execvp(check[0], check);
		_exit(127);
	}
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void reload(struct parent *parent)
{
	if (!reload_is_good(parent)) {
		log_error("not reloaded: it would not start like this");
		return;
	}
	shm_count(parent->job->shm, SHM_RELOADS);
	workers_retire(parent);
	handover_give(parent);
	execvp(parent->job->argv[0], parent->job->argv);
	log_error_errno("not reloaded: cannot execute", LOG_STR("program", parent->job->argv[0]));
	unsetenv("PARLEY_HANDOVER");
	workers_fill(parent);
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void wait_ms(const sigset_t *set, int ms, int *signal_number)
{
	struct timespec timeout = { ms / 1000, (ms % 1000) * 1000000L };

	*signal_number = sigtimedwait(set, NULL, &timeout);
}

/* Everything stops: what is in hand is finished, the sockets go last. */
static void parent_stop(struct parent *parent, const sigset_t *set)
{
	int ignored;

	workers_retire(parent);
	while (old_any(parent)) {
		old_stop(parent);
		wait_ms(set, TERM_PACE_MS, &ignored);
		children_reap(parent);
	}
	for (int pool = 0; pool < POOL__MAX && parent->job->listen_fd < 0; pool++)
		unlink(pool_path(parent->job->conf, (enum pool)pool));
	log_info("stopped");
}

int parent_run(const struct parent_job *job)
{
	struct parent parent = { .job = job, .listen_fds = { -1, -1, -1 } };
	bool again = handover_take(&parent);
	int signal_number = 0;
	sigset_t set;

	signals_of_parent(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sockets_open(&parent);
	workers_fill(&parent);
	log_info(again ? "reloaded" : "serving", LOG_STR("socket", job->conf->rest_socket),
		LOG_INT("workers", job->conf->rest_workers));

	for (;;) {
		bool busy = old_any(&parent) || parent.pause_ms > 0;

		wait_ms(&set, busy ? TERM_PACE_MS : 1000, &signal_number);
		if (signal_number == SIGTERM || signal_number == SIGINT)
			break;
		children_reap(&parent);
		if (signal_number == SIGHUP)
			reload(&parent);
		workers_fill(&parent);
		old_stop(&parent);
	}
	parent_stop(&parent, &set);
	return 0;
}
