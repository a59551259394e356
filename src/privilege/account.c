/* SPDX-License-Identifier: MIT
 *
 * What the process is to the system.  Owns the pid file and the pipe to the
 * process that waits for a start in the background.  Called by the master at
 * its start and end; failures are logged and returned.
 */
#include "config.h"

#include "privilege/account.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_BESIDE 128 /* of listeners, segments, the log, ... */

/* Raise the limit to `files`.  Returns 0, or -1 with errno. */
static int
limit_raise(rlim_t files)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= files)
		return 0;
	limit.rlim_cur = files;
	if (limit.rlim_max < files)
		limit.rlim_max = files;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

int
account_raise(uint64_t connections, uint64_t *want)
{
	struct rlimit limit;

	*want = connections + DESCRIPTORS_BESIDE;
	if (limit_raise((rlim_t)*want + ACCOUNT_REFUSED) == 0)
		return 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_max >= (rlim_t)*want)
		return limit_raise(limit.rlim_max);
	return limit_raise((rlim_t)*want);
}

uint64_t
account_spare(uint64_t connections)
{
	uint64_t need = connections + DESCRIPTORS_BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= need)
		return 0;
	return (uint64_t)limit.rlim_cur - need;
}

int
account_descriptors(uint64_t connections)
{
	uint64_t want;

	if (account_raise(connections, &want) == 0)
		return 0;
	log_error("limits.max_connections = %llu needs %llu open files, the "
		  "limit cannot be raised to that: %s",
	    (unsigned long long)connections, (unsigned long long)want,
	    strerror(errno));
	return -1;
}

int
account_group(const char *name, gid_t *group)
{
	struct group *gr;

	*group = ACCOUNT_NO_GROUP;
	if (*name == '\0')
		return 0;
	gr = getgrnam(name);
	if (gr == NULL) {
		log_error("reporter.group: there is no group %s", name);
		return -1;
	}
	*group = gr->gr_gid;
	return 0;
}

static bool
group_is_ours(gid_t group)
{
	gid_t groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);

	for (int i = 0; i < n; i++) {
		if (groups[i] == group)
			return true;
	}
	return getegid() == group;
}

bool
account_may_join(gid_t group)
{
	return geteuid() == 0 || group_is_ours(group);
}

/* Be in one more group.  Who may not choose its groups has to be in it
   already. */
static int
group_join(gid_t group)
{
	gid_t groups[NGROUPS_MAX + 1];
	int n;

	if (group == ACCOUNT_NO_GROUP || group_is_ours(group))
		return 0;
	n = getgroups(NGROUPS_MAX, groups);
	if (n >= 0) {
		groups[n] = group;
		if (setgroups((size_t)n + 1, groups) == 0)
			return 0;
	}
	log_error("cannot join the group that reporter.group names: %s; start "
		  "as root, or add the user to it",
	    strerror(errno));
	return -1;
}

int
account_become(const char *user, gid_t group)
{
	struct passwd *pw;

	if (*user == '\0')
		return group_join(group);
	pw = getpwnam(user);
	if (pw == NULL) {
		log_error("there is no user %s", user);
		return -1;
	}
	if (geteuid() == pw->pw_uid)
		return group_join(group);
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0) {
		log_error("cannot become user %s: %s", user, strerror(errno));
		return -1;
	}
	if (group_join(group) < 0)
		return -1;
	if (setuid(pw->pw_uid) < 0) {
		log_error("cannot become user %s: %s", user, strerror(errno));
		return -1;
	}
	return 0;
}

int
account_borrow(const char *user)
{
	struct passwd *pw;

	if (*user == '\0' || geteuid() != 0)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		log_error("there is no user %s", user);
		return -1;
	}
	/* The groups stay: they are those of who we are to become. */
	if (initgroups(user, pw->pw_gid) == 0 && setegid(pw->pw_gid) == 0 &&
	    seteuid(pw->pw_uid) == 0)
		return 0;
	log_error("cannot become user %s: %s", user, strerror(errno));
	account_return();
	return -1;
}

void
account_return(void)
{
	if (geteuid() == getuid() && getegid() == getgid())
		return;
	/* Back to who we really are: that is always allowed. */
	if (seteuid(getuid()) < 0 || setegid(getgid()) < 0)
		log_error("cannot be root again: %s", strerror(errno));
}

/* ----------------------------------------------------------- background --- */

static int ready_pipe = -1;

/* Wait for the word of the process in the background. */
static void __attribute__((noreturn)) background_wait(int from)
{
	char word;
	ssize_t n;

	do
		n = read(from, &word, 1);
	while (n < 0 && errno == EINTR);
	/* No word: it ended, and has said why. */
	_exit(n == 1 ? 0 : 1);
}

int
background_enter(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		return -1;
	if (pid > 0) {
		close(ends[1]);
		background_wait(ends[0]);
	}
	close(ends[0]);
	ready_pipe = ends[1];
	return setsid() < 0 ? -1 : 0;
}

void
background_ready(void)
{
	if (ready_pipe < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(ready_pipe, "1", 1) != 1)
		log_warn("the process that started us is gone");
	close(ready_pipe);
	ready_pipe = -1;
}

/* ------------------------------------------------------------- pid file --- */

static char *pidfile_path;
static int pidfile_fd = -1;

/* Let go of the file, which stays, and say why. */
static int
pidfile_fail(const char *path, const char *reason)
{
	log_error("pid file %s: %s", path, reason);
	if (pidfile_fd >= 0)
		close(pidfile_fd);
	pidfile_fd = -1;
	free(pidfile_path);
	pidfile_path = NULL;
	return -1;
}

int
pidfile_write(const char *path)
{
	char text[32];

	if (*path == '\0')
		return 0;
	pidfile_path = strdup(path);
	if (pidfile_path == NULL)
		return pidfile_fail(path, strerror(errno));
	pidfile_fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (pidfile_fd < 0)
		return pidfile_fail(path, strerror(errno));
	if (flock(pidfile_fd, LOCK_EX | LOCK_NB) < 0)
		return pidfile_fail(path, errno == EWOULDBLOCK
					      ? "held by another process: is "
						"reporter running already?"
					      : strerror(errno));
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(pidfile_fd, 0) < 0 ||
	    write(pidfile_fd, text, (size_t)length) != length) {
		const char *reason = strerror(errno);

		unlink(path); /* ours: we hold the lock */
		return pidfile_fail(path, reason);
	}
	return 0;
}

void
pidfile_remove(void)
{
	if (pidfile_path == NULL)
		return;
	/* In a folder that only root writes to, it stays behind empty. */
	if (unlink(pidfile_path) < 0 && ftruncate(pidfile_fd, 0) < 0)
		log_warn("pid file %s: %s", pidfile_path, strerror(errno));
	close(pidfile_fd);
	free(pidfile_path);
	pidfile_path = NULL;
}
