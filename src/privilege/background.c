/* SPDX-License-Identifier: MIT
 *
 * Starting in the background.  Owns the pipe to the parent.
 */
#include "config.h"

#include "privilege/background.h"

#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
