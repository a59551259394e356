/* SPDX-License-Identifier: MIT
 *
 * What makes a daemon.  Owns the pipe to the parent, the pid file and its lock,
 * and the memory of main()'s arguments, where the kernel reads titles.
 */
#include "config.h"

#include "privilege/daemon.h"

#include "lib/log.h"
#include "shm/keep_errno.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

/* ------------------------------------------------------- the background --- */

static int ready_pipe = -1;

static void __attribute__((noreturn)) background_wait(int from)
{
	char byte;
	ssize_t n;

	do
		n = read(from, &byte, 1);
	while (n < 0 && errno == EINTR);
	/* End of file: the child ended, and has logged why. */
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
		log_warn("cannot report readiness: the parent process has "
			 "exited; continuing");
	close(ready_pipe);
	ready_pipe = -1;
}

/* --------------------------------------------------------- the pid file --- */

static char *pidfile_path;
static int pidfile_fd = -1;

static void
pidfile_close(void)
{
	if (pidfile_fd >= 0)
		close(pidfile_fd);
	pidfile_fd = -1;
	free(pidfile_path);
	pidfile_path = NULL;
}

/* Returns 0, or -1 with errno. */
static int
pidfile_open(const char *path)
{
	pidfile_path = strdup(path);
	if (pidfile_path == NULL)
		return -1;
	pidfile_fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (pidfile_fd < 0 || flock(pidfile_fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (ftruncate(pidfile_fd, 0) == 0 &&
	    dprintf(pidfile_fd, "%d\n", (int)getpid()) > 0)
		return 0;
	KEEP_ERRNO(unlink(path)); /* ours: the lock is held */
	return -1;
}

int
pidfile_write(const char *path)
{
	if (*path == '\0' || pidfile_open(path) == 0)
		return 0;
	log_error("cannot write pid file %s: %s", path,
	    errno == EWOULDBLOCK
		? "locked by another process; is reporter already running?"
		: strerror(errno));
	pidfile_close();
	return -1;
}

void
pidfile_remove(void)
{
	if (pidfile_path == NULL)
		return;
	/* In a directory that only root can write to, it stays, empty. */
	if (unlink(pidfile_path) < 0 && ftruncate(pidfile_fd, 0) < 0)
		log_warn("cannot remove pid file %s: %m", pidfile_path);
	pidfile_close();
}

/* ------------------------------------------------------ process titles --- */

static char *title_start;
static size_t title_size;

void
title_init(int argc, char **argv)
{
	title_start = argv[0];
	/* The arguments are contiguous. */
	title_size =
	    (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
}

void
title_set(const char *role)
{
	char name[16];

	/* Shown by `ps -o comm` and top, 15 characters. */
	snprintf(name, sizeof(name), "reporter %.6s", role);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (title_size == 0)
		return;
	memset(title_start, 0, title_size);
	snprintf(title_start, title_size, "reporter: %s", role);
}
