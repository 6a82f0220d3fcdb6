/* The sandbox of parley-media, from inside: what must not be possible there, and what must. */
#include "rest/media/sandbox.c"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

static bool socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool socket_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool socket_pair(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}

static bool file_read(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool file_make(void)
{
	return open("/tmp/parley-sandbox-test", O_CREAT | O_WRONLY, 0600) >= 0;
}

static bool file_remove(void)
{
	return unlink("/tmp/parley-sandbox-none") == 0 || errno == ENOENT;
}

static bool program(void)
{
	char *argv[] = { NULL };

	return execve("/bin/true", argv, argv) == 0 || errno != EPERM;
}

static bool process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool other_process(void)
{
	return kill(getppid(), 0) == 0;
}

static bool other_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

/* By the kernel, when there is something to read. */
static bool signal_of_file(void)
{
	return fcntl(0, F_SETOWN, getppid()) == 0;
}

static bool own_signal(void)
{
	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) == 0;
}

static bool own_flags(void)
{
	return fcntl(0, F_GETFL) >= 0 && fcntl(0, F_DUPFD_CLOEXEC, 3) >= 0;
}

static bool trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED;
}

static bool memory_to_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool memory_beyond(void)
{
	return mmap(NULL, (size_t)2 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) != MAP_FAILED;
}

static bool limits_up(void)
{
	return setrlimit(RLIMIT_CPU, &(struct rlimit){ 100, 100 }) == 0;
}

static bool descend(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static bool memory(void)
{
	char *bytes = malloc((size_t)64 << 20);

	if (!bytes)
		return false;
	memset(bytes, 1, (size_t)64 << 20);
	free(bytes);
	return true;
}

static void *nothing(void *context)
{
	return context;
}

static bool thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool own_files(void)
{
	struct stat info;
	char byte;

	return fstat(0, &info) == 0 && lseek(0, 0, SEEK_SET) == 0 && pread(0, &byte, 1, 0) == 1;
}

static const struct {
	const char *what;
	bool (*tried)(void);
	bool possible;
} rows[] = {
	{ "a UNIX socket", socket_unix, false },
	{ "a socket", socket_inet, false },
	{ "a pair of sockets", socket_pair, false },
	{ "a file", file_read, false },
	{ "a new file", file_make, false },
	{ "removing a file", file_remove, false },
	{ "a program", program, false },
	{ "a process", process, false },
	{ "another process", other_process, false },
	{ "a thread of another process", other_thread, false },
	{ "signals of a file to another process", signal_of_file, false },
	{ "being traced", trace, false },
	{ "memory that runs", code, false },
	{ "memory that comes to run", memory_to_code, false },
#ifndef __SANITIZE_ADDRESS__
	{ "more memory than the limit", memory_beyond, false },
#endif
	{ "higher limits", limits_up, false },
	{ "being looked into", descend, false },
	{ "memory", memory, true },
	{ "a thread", thread, true },
	{ "what it was given", own_files, true },
	{ "what that is", own_flags, true },
	{ "a signal to itself", own_signal, true },
};

/* Each in a process of its own, whose standard input is this very program. */
static void what_is_possible_inside(void **state)
{
	int self = open("/proc/self/exe", O_RDONLY);

	(void)state;
	assert_true(self >= 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			dup2(self, 0);
			if (sandbox_enter() != OK)
				_exit(2);
			_exit(rows[i].tried() ? 1 : 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != (rows[i].possible ? 1 : 0))
			fail_msg("%s: %x", rows[i].what, status);
	}
	close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_possible_inside),
	};
	log_open("sandbox_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
