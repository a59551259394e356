/* SPDX-License-Identifier: MIT
 *
 * The sandbox, by libseccomp: the system calls that each role may make.  Any
 * other kills the process.
 *
 * Which calls the C library makes for one function depends on its version and
 * on the machine, so each is listed with its variants (open and openat, stat,
 * newfstatat and statx, ...).  A name of a call that the machine lacks does no
 * harm.  A worker's list has what name resolution, the client libraries of
 * MySQL and MariaDB, their plugins and TLS need.
 *
 * To add a call: find its name (the kernel log has its number,
 * scmp_sys_resolver the name) and add it to the list of the roles that need
 * it; t/unit_sandbox.c lists the calls that must not be there.
 */
#include "config.h"

#include "privilege/sandbox.h"

#include "lib/log.h"
#include "shm/huge.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* the C library names its memory by it */
#endif

/* Of newer kernels: the C library may guard the stacks of threads by them. */
#define ADVISE_GUARD_INSTALL 102
#define ADVISE_GUARD_REMOVE 103

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027 /* name services of newer systems may ask */
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Allowed to both roles, with any arguments. */
/* clang-format off */
static const char *const both[] = {
	/* memory */
	"brk", "mincore", "mlock", "mlock2", "mremap", "msync",
	"munlock", "munmap", "membarrier",
	/* reading and writing */
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev",
	"pwrite64", "pwritev", "pwritev2", "lseek", "_llseek", "fsync",
	"fdatasync", "fadvise64",
	/* files: the log, segments, the dead-letter file, the configuration,
	   plugins, certificates, and name resolution */
	"access", "faccessat", "faccessat2",
	"close", "close_range", "fstat", "fstat64", "fstatat64", "newfstatat",
	"stat", "stat64", "lstat", "lstat64", "statx", "statfs", "statfs64",
	"fstatfs", "fstatfs64", "getdents", "getdents64", "getcwd", "readlink",
	"readlinkat", "dup", "dup2", "dup3", "flock", "umask",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "pipe", "pipe2",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "futex",
	"futex_time64", "nanosleep", "clock_nanosleep",
	"clock_nanosleep_time64", "pause", "restart_syscall", "sched_yield",
	"alarm", "setitimer", "getitimer",
	/* time and random numbers */
	"clock_gettime", "clock_gettime64", "clock_getres",
	"clock_getres_time64", "gettimeofday", "time", "times", "getrandom",
	/* sockets; the rules say of which families */
	"connect", "bind", "getsockname", "getpeername", "getsockopt",
	"setsockopt", "recv", "recvfrom", "recvmsg", "recvmmsg",
	"recvmmsg_time64", "send", "sendto", "sendmsg", "sendmmsg", "shutdown",
	/* signals to itself */
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

/* Allowed to the master besides. */
/* clang-format off */
static const char *const of_master[] = {
	/* agents, and the ark */
	"accept", "accept4", "listen", "memfd_create",
	/* segments and the pid file */
	"open", "openat",
	"fallocate", "ftruncate", "ftruncate64", "fchmod", "fchown", "fchown32",
	"unlink", "unlinkat", "rename", "renameat", "renameat2",
	/* workers */
	"fork", "vfork", "wait4", "waitid", "waitpid", "kill", "tgkill",
	"tkill",
	/* how a worker confines itself */
	"seccomp", "landlock_create_ruleset", "landlock_add_rule",
	"landlock_restrict_self",
};
/* clang-format on */

/* A call that is allowed when up to two of its arguments have these values,
   in the bits of a mask. */
struct rule {
	const char *name;
	struct scmp_arg_cmp arguments[2];
};

#define BITS(at, mask, value) \
	{ \
		at, SCMP_CMP_MASKED_EQ, mask, value \
	}
/* A whole argument, of 32 bits: the kernel ignores those above them. */
#define VALUE(at, value) BITS(at, UINT32_MAX, (uint32_t)(value))

/* Memory: no code but that of a file that is not writable, as the dynamic
   linker maps plugins and name services. */
static const struct rule rules_of_both[] = {
	{ "mmap", { BITS(2, PROT_EXEC, 0) } },
	{ "mmap", { BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		      BITS(3, MAP_ANONYMOUS, 0) } },
	{ "mprotect", { BITS(2, PROT_EXEC, 0) } },
	{ "socketpair", { VALUE(0, AF_UNIX) } },
	{ "prlimit64", { VALUE(0, 0) } }, /* of this process only */
};

/* Not a part of a process or thread that is created: another view of the
   system. */
#define CLONE_VIEWS \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE)

/* --------------------------------------------------------- the filter ----- */

/* A filter being built; after an error (a negative errno) nothing is added. */
struct filter {
	scmp_filter_ctx context;
	int error;
};

static void
allow(struct filter *filter, const struct rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->name);
	unsigned n = 0;

	/* A library that does not know the name is older than the call, and
	   what was built with it does not make that call. */
	if (filter->error != 0 || number == __NR_SCMP_ERROR)
		return;
	while (n < COUNT(rule->arguments) && rule->arguments[n].op != 0)
		n++;
	filter->error = seccomp_rule_add_array(
	    filter->context, SCMP_ACT_ALLOW, number, n, rule->arguments);
}

static void
allow_names(struct filter *filter, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow(filter, &(struct rule){ .name = names[i] });
}

static void
allow_rules(struct filter *filter, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow(filter, &rules[i]);
}

/* One of these values as an argument. */
#define VALUES(...) \
	(const int[]){ __VA_ARGS__ }, COUNT(((const int[]){ __VA_ARGS__ }))

static void
allow_values(struct filter *filter, const char *name, unsigned at,
    const int *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow(filter, &(struct rule){ name, { VALUE(at, values[i]) } });
}

/* Not F_SETOWN, F_SETSIG and O_ASYNC: by these the kernel sends any signal to
   any process of the user. */
static void
allow_fcntl(struct filter *filter, const char *name)
{
	allow_values(filter, name, 1,
	    VALUES(F_DUPFD, F_DUPFD_CLOEXEC, F_DUPFD_QUERY, F_GETFD, F_SETFD,
		F_GETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK,
		F_OFD_SETLKW, F_ADD_SEALS, F_GET_SEALS));
	allow(filter,
	    &(struct rule){ name, { VALUE(1, F_SETFL), BITS(2, O_ASYNC, 0) } });
}

static void
allow_both(struct filter *filter)
{
	allow_names(filter, both, COUNT(both));
	allow_rules(filter, rules_of_both, COUNT(rules_of_both));
	allow_fcntl(filter, "fcntl");
	allow_fcntl(filter, "fcntl64");
	/* What malloc() and the libraries advise.  Not MADV_REMOVE, which makes
	   holes in segments: a SIGBUS for the master when memory is short. */
	allow_values(filter, "madvise", 2,
	    VALUES(MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
		MADV_DONTFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP,
		ADVISE_GUARD_INSTALL, ADVISE_GUARD_REMOVE));
	allow_values(filter, "socket", 0,
	    VALUES(AF_UNIX, AF_INET, AF_INET6, AF_NETLINK));
	allow_values(filter, "ioctl", 1,
	    VALUES(TCGETS, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX));
	/* PR_CAPBSET_READ: libcap, which NSS modules of systemd load. */
	allow_values(filter, "prctl", 0,
	    VALUES(PR_SET_NAME, PR_SET_VMA, PR_CAPBSET_READ, PR_GET_DUMPABLE,
		PR_GET_NO_NEW_PRIVS));
}

/* The call fails with ENOSYS. */
static void
refuse(struct filter *filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	if (filter->error == 0 && number != __NR_SCMP_ERROR)
		filter->error = seccomp_rule_add(
		    filter->context, SCMP_ACT_ERRNO(ENOSYS), number, 0);
}

/* A worker signals itself only, creates threads only, and truncates nothing:
   Landlock refuses that since its version 3 only. */
static void
allow_worker(struct filter *filter)
{
	const struct rule rules[] = {
		{ "open", { BITS(1, O_TRUNC, 0) } },
		{ "openat", { BITS(2, O_TRUNC, 0) } },
		{ "kill", { VALUE(0, getpid()) } },
		{ "tgkill", { VALUE(0, getpid()) } },
		{ "clone",
		    { BITS(0, CLONE_VIEWS | CLONE_THREAD, CLONE_THREAD) } },
	};

	allow_rules(filter, rules, COUNT(rules));
}

int
sandbox_enter(enum sandbox_role role)
{
	struct filter filter = { seccomp_init(SCMP_ACT_KILL_PROCESS), 0 };

	if (filter.context == NULL)
		filter.error = -ENOMEM;
	/* The filter as a tree: what agents cost must not depend on where in
	   the lists a call is. */
	if (filter.error == 0)
		filter.error = seccomp_attr_set(
		    filter.context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* no_new_privs is set already, by privilege.c. */
	if (filter.error == 0)
		filter.error =
		    seccomp_attr_set(filter.context, SCMP_FLTATR_CTL_NNP, 0);
	/* The C library then uses calls whose flags a filter can see. */
	refuse(&filter, "clone3");
	refuse(&filter, "openat2");
	allow_both(&filter);
	if (role == SANDBOX_MASTER) {
		allow_names(&filter, of_master, COUNT(of_master));
		allow(&filter,
		    &(struct rule){ "clone", { BITS(0, CLONE_VIEWS, 0) } });
		/* Of a worker, before it confines itself. */
		allow(&filter,
		    &(struct rule){ "prctl",
			{ VALUE(0, PR_SET_PDEATHSIG), VALUE(1, SIGUSR1) } });
		/* Of the segments that a reload creates. */
		allow_values(&filter, "madvise", 2, VALUES(MADV_COLLAPSE));
	} else {
		allow_worker(&filter);
	}
	if (filter.error == 0)
		filter.error = seccomp_load(filter.context);
	if (filter.context != NULL)
		seccomp_release(filter.context);
	if (filter.error == 0)
		return 0;
	log_error("cannot enter the sandbox: %s; if the kernel has no seccomp, "
		  "or a unit or container forbids it, set reporter.sandbox = "
		  "off",
	    strerror(-filter.error));
	return -1;
}
