/* SPDX-License-Identifier: MIT
 *
 * Children, their supervisor, and what the system knows of processes.
 */
#include "config.h"

#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t
child_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	return 0;
}

static const int ending[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
#define ENDING (sizeof(ending) / sizeof(*ending))

/* Whether an ending signal is pending: it may have ended the runner. */
static bool
signal_pending(void)
{
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ENDING; i++)
		if (sigismember(&set, ending[i]))
			return true;
	return false;
}

/* Wait for the runner. */
static int
runner_wait(pid_t runner, const sigset_t *set, bool *interrupted)
{
	int status, number, result = BENCH_FAILED;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == runner && WIFEXITED(status))
				result = WEXITSTATUS(status);
		if (pid < 0 && errno == ECHILD && !signal_pending())
			return result;
		if (sigwait(set, &number) != 0 || number == SIGCHLD)
			continue;
		if (!*interrupted)
			notice("interrupted; cleaning up");
		*interrupted = true;
		kill(runner, SIGKILL);
	}
}

int
supervise(int (*run)(void), void (*clean)(void))
{
	bool interrupted = false;
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ENDING; i++)
		sigaddset(&set, ending[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = child_fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		exit(run());
	}
	/* The reader of our output may be gone; cleaning up goes on. */
	signal(SIGPIPE, SIG_IGN);
	int status =
	    pid < 0 ? BENCH_FAILED : runner_wait(pid, &set, &interrupted);
	clean();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

double
process_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		fail("process %d has ended", (int)pid);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *
file_field(const char *path, const char *name, char *text, size_t size)
{
	char line[256];
	FILE *file = fopen(path, "re");

	*text = '\0';
	if (file == NULL)
		return text;
	while (*text == '\0' && fgets(line, sizeof(line), file) != NULL) {
		char *colon = strchr(line, ':');

		if (colon == NULL || strncmp(line, name, strlen(name)) != 0)
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		snprintf(text, size, "%.*s", (int)strcspn(colon, "\n"), colon);
	}
	fclose(file);
	return text;
}

double
process_private(pid_t pid)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file_field(path, "RssAnon", text, sizeof(text));
	if (*text == '\0')
		fail("%s has no RssAnon", path);
	return atof(text) * 1024;
}

int
shell(const char *format, ...)
{
	char command[512];

	FORMAT(command, format);
	return system(command) == 0 ? 0 : -1;
}
