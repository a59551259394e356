/* SPDX-License-Identifier: MIT
 *
 * Supervising.  Owns the runner.  Called once, in the first thread, before
 * there is another.
 */
#include "config.h"

#include "bench/supervise.h"

#include "bench/fail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
signals_wanted(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

/* Whether a signal that would end us has come and was not seen yet: it may have
   ended the runner already. */
static bool
signal_waits(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGINT) || sigismember(&set, SIGQUIT) ||
	       sigismember(&set, SIGTERM) || sigismember(&set, SIGHUP);
}

/* Wait for the runner and all that it left to us: a reporter's workers, which
   end by themselves within seconds.  A signal that would end us ends the
   runner, and is noted in *interrupted. */
static int
runner_wait(pid_t runner, bool *interrupted)
{
	sigset_t set;
	int status, number, result = BENCH_BROKEN;
	pid_t pid;

	signals_wanted(&set);
	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == runner && WIFEXITED(status))
				result = WEXITSTATUS(status);
		if (pid < 0 && errno == ECHILD && !signal_waits())
			return result;
		if (sigwait(&set, &number) != 0 || number == SIGCHLD)
			continue;
		if (!*interrupted)
			notice("interrupted; cleaning up");
		*interrupted = true;
		kill(runner, SIGKILL);
	}
}

int
supervise(int (*runner)(void *arg),
    void (*clean)(void *arg, int status, bool interrupted), void *arg)
{
	pid_t supervisor = getpid();
	bool interrupted = false;
	sigset_t set, before;

	signals_wanted(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != supervisor)
			_exit(BENCH_BROKEN);
		sigprocmask(SIG_SETMASK, &before, NULL);
		exit(runner(arg));
	}
	/* Who reads what we say may be gone, and there is still to be cleaned
	   up. */
	signal(SIGPIPE, SIG_IGN);
	int status = pid < 0 ? BENCH_BROKEN : runner_wait(pid, &interrupted);
	clean(arg, status, interrupted);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
