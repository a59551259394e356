/* SPDX-License-Identifier: MIT
 *
 * The sandbox, by libseccomp.  Owns the lists of the calls that each role may
 * make; everything else kills the process.  Called once by the master, when
 * its start is over, and once by each worker, before it has threads; failures
 * are logged and returned.
 *
 * Which calls the C library makes of one function depends on its version and
 * on the machine: each stands here with all of its kin (open and openat, stat,
 * newfstatat and statx, ...).  The name of a call that a machine has not got
 * does no harm.  A worker's list has what name resolution, the client library,
 * its plugins and TLS need, for MySQL's and MariaDB's.
 *
 * To add a call: find its name (the kernel's log has its number,
 * scmp_sys_resolver the name), add it to the first list that is right, and to
 * t/unit_sandbox.c if it should never have been there.
 */
#include "config.h"

#include "privilege/sandbox.h"

#include "lib/log.h"

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* the C library names its memory by it */
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of both roles, without a look at the arguments. */
/* clang-format off */
static const char *const both[] = {
	/* memory */
	"brk", "madvise", "mincore", "mlock", "mlock2", "mremap", "msync",
	"munlock", "munmap", "membarrier",
	/* bytes */
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev",
	"pwrite64", "pwritev", "pwritev2", "lseek", "_llseek", "fsync",
	"fdatasync", "fadvise64",
	/* files: the log, segments, the dead-letter file, the configuration,
	   plugins, certificates, and what names are resolved with */
	"access", "faccessat", "faccessat2", "open", "openat", "openat2",
	"close", "close_range", "fstat", "fstat64", "fstatat64", "newfstatat",
	"stat", "stat64", "lstat", "lstat64", "statx", "statfs", "statfs64",
	"fstatfs", "fstatfs64", "getdents", "getdents64", "getcwd", "readlink",
	"readlinkat", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock",
	"umask",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "pipe", "pipe2",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "futex",
	"futex_time64", "nanosleep", "clock_nanosleep",
	"clock_nanosleep_time64", "pause", "restart_syscall", "sched_yield",
	"alarm", "setitimer", "getitimer",
	/* time and chance */
	"clock_gettime", "clock_gettime64", "clock_getres",
	"clock_getres_time64", "gettimeofday", "time", "times", "getrandom",
	/* connections that are there, and making some to others; which
	   families, see the rules */
	"connect", "bind", "getsockname", "getpeername", "getsockopt",
	"setsockopt", "recv", "recvfrom", "recvmsg", "recvmmsg",
	"recvmmsg_time64", "send", "sendto", "sendmsg", "sendmmsg", "shutdown",
	/* signals to oneself */
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"sigaltstack", "sigreturn", "signalfd", "signalfd4",
	/* the process, its threads and its end */
	"exit", "exit_group", "arch_prctl", "set_robust_list",
	"get_robust_list", "set_tid_address", "rseq", "getpid", "gettid",
	"getppid", "getpgrp", "getpgid", "getsid", "getuid", "getuid32",
	"geteuid", "geteuid32", "getgid", "getgid32", "getegid", "getegid32",
	"getresuid", "getresuid32", "getresgid", "getresgid32", "getgroups",
	"getgroups32", "getcpu", "getpriority", "getrusage", "getrlimit",
	"ugetrlimit", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sysinfo", "uname", "capget",
};
/* clang-format on */

/* Of the master besides: agents, segments, workers. */
/* clang-format off */
static const char *const of_master[] = {
	"accept", "accept4", "listen",
	/* segments and the pid file */
	"fallocate", "ftruncate", "ftruncate64", "fchmod", "fchown", "fchown32",
	"unlink", "unlinkat", "rename", "renameat", "renameat2",
	/* workers */
	"fork", "vfork", "wait4", "waitid", "waitpid", "kill", "tgkill",
	"tkill",
	/* what a worker gives up */
	"seccomp", "landlock_create_ruleset", "landlock_add_rule",
	"landlock_restrict_self",
};
/* clang-format on */

/* ------------------------------------------------------------ the rules -- */

/* Returns 0, or a negative errno. */
static int
allow(scmp_filter_ctx filter, const char *name, unsigned n,
    const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);

	/* An older library does not know a newer call: nor does what was
	   built with it make it. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, number, n, arguments);
}

static int
allow_all(scmp_filter_ctx filter, const char *const *names, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = allow(filter, names[i], 0, NULL);
	return error;
}

/* Allow a call when its argument number AT is one of the values. */
static int
allow_values(scmp_filter_ctx filter, const char *name, unsigned at,
    const uint64_t *values, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		/* Of 32 bits: what stands above them is not the call's. */
		struct scmp_arg_cmp is = SCMP_CMP64(
		    at, SCMP_CMP_MASKED_EQ, UINT32_MAX, values[i] & UINT32_MAX);
		error = allow(filter, name, 1, &is);
	}
	return error;
}

/* Memory: no code but that of a file, which nobody writes to.  The dynamic
   linker maps plugins and name services so. */
static int
allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code =
	    SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp of_a_file[] = {
		SCMP_A2_64(
		    SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0),
	};
	int error = allow(filter, "mmap", 1, &no_code);

	if (error == 0)
		error = allow(filter, "mmap", 2, of_a_file);
	if (error == 0)
		error = allow(filter, "mprotect", 1, &no_code);
	return error;
}

static int
allow_both(scmp_filter_ctx filter)
{
	static const uint64_t families[] = { AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK };
	static const uint64_t controls[] = { TCGETS, FIONREAD, FIONBIO, FIOCLEX,
		FIONCLEX };
	/* Of one's own: another's limits are none of our business. */
	static const uint64_t self[] = { 0 };
	int error = allow_all(filter, both, COUNT(both));

	if (error == 0)
		error = allow_memory(filter);
	if (error == 0)
		error = allow_values(
		    filter, "socket", 0, families, COUNT(families));
	if (error == 0)
		error = allow_values(
		    filter, "socketpair", 0, families, COUNT(families));
	if (error == 0)
		error =
		    allow_values(filter, "ioctl", 1, controls, COUNT(controls));
	if (error == 0)
		error = allow_values(filter, "prlimit64", 0, self, COUNT(self));
	/* The C library has a way without it, which we can look at. */
	if (error == 0)
		error = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return error;
}

/* A process or a thread, but no other view of the system. */
#define CLONE_VIEWS \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE)

static int
allow_master(scmp_filter_ctx filter)
{
	static const uint64_t settings[] = { PR_SET_NAME, PR_SET_VMA,
		PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS };
	int error = allow_all(filter, of_master, COUNT(of_master));

	if (error == 0)
		error =
		    allow_values(filter, "prctl", 0, settings, COUNT(settings));
	if (error == 0)
		error = allow(filter, "clone", 1,
		    &SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_VIEWS, 0));
	return error;
}

/* A worker has no other process to deal with, and starts threads only. */
static int
allow_worker(scmp_filter_ctx filter)
{
	static const uint64_t settings[] = { PR_SET_NAME, PR_SET_VMA,
		PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS };
	const uint64_t self[] = { (uint64_t)getpid() };
	int error = allow_values(filter, "prctl", 0, settings, COUNT(settings));

	if (error == 0)
		error = allow_values(filter, "kill", 0, self, COUNT(self));
	if (error == 0)
		error = allow_values(filter, "tgkill", 0, self, COUNT(self));
	if (error == 0)
		error = allow(filter, "clone", 1,
		    &SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_VIEWS | CLONE_THREAD,
			CLONE_THREAD));
	return error;
}

/* ------------------------------------------------------------- entering -- */

bool
sandbox_built(void)
{
	return true;
}

int
sandbox_enter(enum sandbox_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = filter == NULL ? -ENOMEM : 0;

	/* The filter as a tree: what agents cost must not depend on where in
	   the lists a call stands. */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* privilege.c has done that. */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (error == 0)
		error = allow_both(filter);
	if (error == 0)
		error = role == SANDBOX_MASTER ? allow_master(filter)
					       : allow_worker(filter);
	if (error == 0)
		error = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (error == 0)
		return 0;
	log_error("the sandbox cannot be entered: %s; where the kernel has no "
		  "seccomp, or a unit or container forbids it, "
		  "reporter.sandbox = off works without",
	    strerror(-error));
	return -1;
}

const char *
sandbox_unknown(size_t *at)
{
	while (*at < COUNT(both) + COUNT(of_master)) {
		const char *name = *at < COUNT(both)
				       ? both[*at]
				       : of_master[*at - COUNT(both)];

		++*at;
		if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
			return name;
	}
	return NULL;
}

#else

bool
sandbox_built(void)
{
	return false;
}

int
sandbox_enter(enum sandbox_role role)
{
	(void)role;
	return 0;
}

const char *
sandbox_unknown(size_t *at)
{
	(void)at;
	return NULL;
}

#endif
