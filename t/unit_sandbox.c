/* SPDX-License-Identifier: MIT
 *
 * The sandbox: in a process of its own each, a call that the role has no use
 * for kills, and what it needs goes on.  The same for privileges: what is
 * given up is gone.
 */
#include "config.h"

#include "privilege/privilege.h"
#include "privilege/sandbox.c" /* for its lists */
#include "suite.h"

#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------- calls that are no one's */

static void
call_execve(void)
{
	static char *const nothing[] = { NULL };

	execve("/bin/true", nothing, nothing);
}

static void
call_execveat(void)
{
	syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0);
}

static void
call_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void
call_process_vm_readv(void)
{
	struct iovec here = { NULL, 0 }, there = { NULL, 0 };

	process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

static void
call_mount(void)
{
	mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static void
call_chroot(void)
{
	/* A failure is what is expected, were it allowed. */
	if (chroot("/nowhere") == 0)
		_exit(3);
}

static void
call_setuid(void)
{
	syscall(SYS_setuid, 0);
}

static void
call_unshare(void)
{
	unshare(0);
}

static void
call_clone_of_a_view(void)
{
	syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}

static void
call_chmod(void)
{
	chmod("/nowhere", 0777);
}

static void
call_symlink(void)
{
	if (symlink("/nowhere", "/nowhere/at/all") == 0)
		_exit(3);
}

static void
call_packet_socket(void)
{
	syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}

static void
call_terminal(void)
{
	syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}

static void
call_prctl(void)
{
	prctl(PR_SET_SECUREBITS, 0, 0, 0, 0);
}

static void
call_limit_of_another(void)
{
	struct rlimit limit;

	syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &limit);
}

static void
call_owner(void)
{
	fcntl(STDIN_FILENO, F_SETOWN, getppid());
}

static void
call_signal_of_owner(void)
{
	fcntl(STDIN_FILENO, F_SETSIG, SIGKILL);
}

static void
call_asynchronous(void)
{
	fcntl(STDIN_FILENO, F_SETFL, O_ASYNC);
}

static void
call_io_uring(void)
{
	syscall(SYS_io_uring_setup, 1, NULL);
}

static void
call_splice(void)
{
	syscall(SYS_splice, -1, NULL, -1, NULL, 0, 0);
}

static void
call_inotify(void)
{
	syscall(SYS_inotify_init1, 0);
}

static void
call_new_code(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code != MAP_FAILED)
		munmap(code, 4096);
}

static void
call_code_that_is_written(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	void *code = mmap(
	    NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (code != MAP_FAILED)
		munmap(code, 4096);
	close(fd);
}

static void
call_data_to_code(void)
{
	static _Alignas(4096) char page[4096];

	mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}

/* A hole in a segment is a SIGBUS in the master. */
static void
call_hole(void)
{
	static _Alignas(4096) char page[4096];

	madvise(page, sizeof(page), MADV_REMOVE);
}

/* ------------------------------------------- calls that are the master's -- */

static void
call_opening_truncates(void)
{
	close(open("/nowhere/at/all", O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static void
call_openat_truncates(void)
{
	close(openat(AT_FDCWD, "/nowhere/at/all", O_WRONLY | O_TRUNC));
}

static void
call_fallocate(void)
{
	syscall(SYS_fallocate, -1, 0, 0, 1);
}

static void
call_collapse(void)
{
	static _Alignas(4096) char page[4096];

	madvise(page, sizeof(page), MADV_COLLAPSE);
}

static void
call_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void
call_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	listen(fd, 1);
	close(fd);
}

static void
call_accept(void)
{
	syscall(SYS_accept4, -1, NULL, NULL, 0);
}

static void
call_kill_another(void)
{
	kill(getppid(), 0);
}

static void
call_unlink(void)
{
	unlink("/nowhere/at/all");
}

static void
call_fchown(void)
{
	if (syscall(SYS_fchown, -1, 0, 0) == 0)
		_exit(3);
}

static void
call_truncate(void)
{
	if (ftruncate(-1, 0) == 0)
		_exit(3);
}

static void
call_seccomp(void)
{
	syscall(SYS_seccomp, 1, 0, NULL);
}

static void
call_dumpable(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* -------------------------------------------------- calls of both of them - */

static void *
thread(void *arg)
{
	return arg;
}

static void
call_thread(void)
{
	pthread_t id;
	void *back = NULL;
	char here;

	if (pthread_create(&id, NULL, thread, &here) != 0 ||
	    pthread_join(id, &back) != 0 || back != &here)
		_exit(3);
}

static void
call_resolve(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

	if (getaddrinfo("localhost", "80", &hints, &found) != 0)
		_exit(3);
	freeaddrinfo(found);
	if (getpwuid(getuid()) == NULL)
		_exit(3);
}

static void
call_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		_exit(3);
}

static void
call_files(void)
{
	struct stat st;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || stat("/etc/passwd", &st) < 0 ||
	    isatty(fd))
		_exit(3);
	close(fd);
}

/* Its flags are in memory, where a filter cannot see them. */
static void
call_openat2_is_not_there(void)
{
	if (syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) != -1 ||
	    errno != ENOSYS)
		_exit(3);
}

static void
call_advise(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || madvise(page, 4096, MADV_DONTNEED) < 0 ||
	    madvise(page, 4096, MADV_FREE) < 0 ||
	    madvise(page, 4096, MADV_DONTDUMP) < 0)
		_exit(3);
}

/* Of a library that no program here has loaded already. */
static void
call_plugin(void)
{
	void *before = dlopen("libgcc_s.so.1", RTLD_NOLOAD | RTLD_NOW);
	void *plugin = dlopen("libgcc_s.so.1", RTLD_NOW);

	if (before != NULL || plugin == NULL)
		_exit(3);
	dlclose(plugin);
}

/* What SIGABRT and the tests' faults do. */
static void
call_signal_oneself(void)
{
	if (kill(getpid(), 0) < 0 || raise(SIGCHLD) != 0)
		_exit(3);
}

struct call {
	const char *name;
	void (*make)(void);
	bool master, worker; /* who may */
};

#define CALL(name_, master_, worker_) \
	{ \
#name_, call_##name_, master_, worker_ \
	}

static const struct call calls[] = {
	CALL(execve, false, false),
	CALL(execveat, false, false),
	CALL(ptrace, false, false),
	CALL(process_vm_readv, false, false),
	CALL(mount, false, false),
	CALL(chroot, false, false),
	CALL(setuid, false, false),
	CALL(unshare, false, false),
	CALL(clone_of_a_view, false, false),
	CALL(chmod, false, false),
	CALL(symlink, false, false),
	CALL(packet_socket, false, false),
	CALL(terminal, false, false),
	CALL(prctl, false, false),
	CALL(limit_of_another, false, false),
	CALL(owner, false, false),
	CALL(signal_of_owner, false, false),
	CALL(asynchronous, false, false),
	CALL(io_uring, false, false),
	CALL(splice, false, false),
	CALL(inotify, false, false),
	CALL(new_code, false, false),
	CALL(code_that_is_written, false, false),
	CALL(data_to_code, false, false),
	CALL(hole, false, false),
	CALL(opening_truncates, true, false),
	CALL(openat_truncates, true, false),
	CALL(fallocate, true, false),
	CALL(collapse, true, false),
	CALL(fork, true, false),
	CALL(listen, true, false),
	CALL(accept, true, false),
	CALL(kill_another, true, false),
	CALL(unlink, true, false),
	CALL(fchown, true, false),
	CALL(truncate, true, false),
	CALL(seccomp, true, false),
	CALL(dumpable, false, false),
	CALL(thread, true, true),
	CALL(resolve, true, true),
	CALL(connect, true, true),
	CALL(files, true, true),
	CALL(openat2_is_not_there, true, true),
	CALL(advise, true, true),
	CALL(plugin, true, true),
	CALL(signal_oneself, true, true),
};

#define CALLS ((int)(sizeof(calls) / sizeof(*calls)))

/* Make the call in a sandbox; the status of its process. */
static int
made_in(const struct call *call, bool worker)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* Killed is what we expect: no core of it. */
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (privilege_bound() < 0 ||
		    sandbox_enter(SANDBOX_MASTER) < 0 ||
		    (worker && sandbox_enter(SANDBOX_WORKER) < 0))
			_exit(2);
		call->make();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
expect(const struct call *call, bool worker, bool may)
{
	int status = made_in(call, worker);

	if (may)
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "%s: status 0x%x", call->name, status);
	else
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		    "%s is not stopped: status 0x%x", call->name, status);
}

START_TEST(master_may_what_it_needs)
{
	expect(&calls[_i], false, calls[_i].master);
}
END_TEST

START_TEST(worker_may_less)
{
	expect(&calls[_i], true, calls[_i].worker);
}
END_TEST

START_TEST(each_name_is_that_of_a_call)
{
	ck_assert_uint_gt(COUNT(both), 100);
	for (size_t i = 0; i < COUNT(both) + COUNT(of_master); i++) {
		const char *name =
		    i < COUNT(both) ? both[i] : of_master[i - COUNT(both)];

		ck_assert_msg(
		    seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR, "%s",
		    name);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");

	tcase_add_loop_test(tc, master_may_what_it_needs, 0, CALLS);
	tcase_add_loop_test(tc, worker_may_less, 0, CALLS);
	tcase_add_test(tc, each_name_is_that_of_a_call);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
