/* The sandbox (sandbox.h): limits of the system, and a filter of system calls. Called by main.c. */
#include "rest/media/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"

#define MIB ((rlim_t)1024 * 1024)
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	int resource;
	rlim_t limit;
} limits[] = {
	{ RLIMIT_CPU, 8 },   /* seconds; the parent's patience ends a little later */
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes */
	{ RLIMIT_AS, 1024 * MIB },
#endif
	{ RLIMIT_FSIZE, 4 * MIB }, /* of the thumbnail */
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NOFILE, 16 },
};

/* All that decoding needs. Whatever else a library tries fails as if it were not permitted: it may live with that. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(
		newfstatat), /* of a descriptor; without one it tells nothing but whether a file is there */
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Allowed where the bits of mask of an argument have this value. */
static const struct {
	int call;
	unsigned argument;
	scmp_datum_t mask, value;
} bounded[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD }, /* a thread, and no process */
	{ SCMP_SYS(prctl), 0, ~(scmp_datum_t)0, PR_SET_NAME },
	/* what a descriptor is, and another of it; F_SETOWN would have the kernel signal any process of ours */
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFD },
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_SETFD },
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_GETFL },
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_DUPFD },
	{ SCMP_SYS(fcntl), 1, UINT32_MAX, F_DUPFD_CLOEXEC },
};

static bool limits_set(void)
{
	for (size_t i = 0; i < COUNT(limits); i++) {
		if (setrlimit(limits[i].resource,
			    &(struct rlimit){ limits[i].limit, limits[i].limit }) != 0)
			return false;
	}
	return true;
}

static bool rules_add(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < COUNT(allowed); i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
			return false;
	}
	for (size_t i = 0; i < COUNT(bounded); i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, bounded[i].call, 1,
			    SCMP_CMP(bounded[i].argument, SCMP_CMP_MASKED_EQ, bounded[i].mask,
				    bounded[i].value)) != 0)
			return false;
	}
	/* abort(): nobody but itself, and so none of the workers */
	if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) != 0)
		return false;
	/* its flags are in memory, where no filter sees them: the C library then takes clone */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool filter_load(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool loaded = filter && rules_add(filter) && seccomp_load(filter) == 0;

	if (filter)
		seccomp_release(filter);
	return loaded;
}

enum err sandbox_enter(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limits_set() && filter_load())
		return OK;
	log_error_errno("cannot enter the sandbox");
	return ERR_INTERNAL;
}
