/* Programs that answer one thing (child.h). Called by bucket.c and media.c. */
#include "rest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/time.h"

enum {
	PATH_BYTES = 4096,
	HIGH_FD = 64, /* above whatever a child is given */
};

/* False when this program has no path. */
static bool program_path(const char *name, char path[PATH_BYTES])
{
	size_t bytes = strlen(name) + 1;
	ssize_t len = readlink("/proc/self/exe", path, PATH_BYTES);
	char *slash = len > 0 ? memrchr(path, '/', (size_t)len) : NULL;
	if (!slash || (size_t)(slash + 1 - path) + bytes > PATH_BYTES)
		return false;
	memcpy(slash + 1, name, bytes);
	return true;
}

/* What it is given, in its order; no copy is written over one that is yet to be made, as files stand above them all. */
static int files_add(posix_spawn_file_actions_t *actions, const struct child_call *call,
	int answer_fd, const int *files)
{
	int error = posix_spawn_file_actions_adddup2(actions, call->in, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, answer_fd, STDOUT_FILENO);
	for (size_t i = 0; i < call->nfiles && error == 0; i++)
		error = posix_spawn_file_actions_adddup2(
			actions, files[i], CHILD_FIRST_FILE + (int)i);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(
			actions, CHILD_FIRST_FILE + (int)call->nfiles);
	return error;
}

/* 0, or what errno says. None of our signals is blocked there. */
static int spawn(const struct child_call *call, const char *path, int answer_fd, const int *files,
	pid_t *pid)
{
	char *argv[CHILD_ARGS_MAX + 2] = { strdupa(call->name) };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t how;
	sigset_t none;
	for (size_t i = 0; i < call->nargs; i++)
		argv[i + 1] = strdupa(call->args[i]);
	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&how) != 0)
		return ENOMEM;
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	int error = files_add(&actions, call, answer_fd, files);
	if (error == 0)
		error = posix_spawn(pid, path, &actions, &how, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&how);
	return error;
}

/* The same with its files out of the way of the descriptors that they are to have. */
static int start(const struct child_call *call, const char *path, int answer_fd, pid_t *pid)
{
	int files[CHILD_FILES_MAX] = { 0 }, error = 0;
	size_t made = 0;
	for (; made < call->nfiles && error == 0; made++) {
		files[made] = fcntl(call->files[made], F_DUPFD_CLOEXEC, HIGH_FD);
		if (files[made] < 0)
			error = errno;
	}
	if (error == 0)
		error = spawn(call, path, answer_fd, files, pid);
	for (size_t i = 0; i < made; i++) {
		if (files[i] >= 0)
			close(files[i]);
	}
	return error;
}

/* What comes until its end, or until end_us. */
static size_t answer_read(int fd, char *text, size_t size, int64_t end_us)
{
	size_t got = 0;
	while (got < size) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left_us = end_us - time_mono_us();
		if (left_us <= 0 ||
			(poll(&wait, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR))
			break;
		if (wait.revents == 0)
			continue;
		ssize_t len = read(fd, text + got, size - got);
		if (len == 0 || (len < 0 && errno != EINTR))
			break;
		got += len > 0 ? (size_t)len : 0;
	}
	return got;
}

/* Until it has gone; what has answered has nothing more to do. What it ended with of itself; 0 also when a signal ended it. */
static int end(pid_t pid)
{
	int status = 0;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

enum err child_ask(const struct child_call *call, char *answer, size_t size, size_t *len)
{
	char path[PATH_BYTES];
	int ends[2];
	pid_t pid;
	int64_t end_us = time_mono_us() + call->patience_us;
	if (!program_path(call->name, path) || pipe2(ends, O_CLOEXEC) != 0) {
		log_error_errno("a program cannot be started", LOG_STR("name", call->name));
		return ERR_UNAVAILABLE;
	}
	int error = start(call, path, ends[1], &pid);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		log_error("a program cannot be started", LOG_STR("path", path),
			LOG_STR("error", strerror(error)));
		return ERR_UNAVAILABLE;
	}
	*len = answer_read(ends[0], answer, size, end_us);
	close(ends[0]);
	int ended = end(pid);
	if (*len > 0 || ended == 0)
		return OK;
	/* it says why, unless the loader misses a library */
	log_error("a program does not work", LOG_STR("path", path), LOG_INT("status", ended));
	return ERR_UNAVAILABLE;
}
