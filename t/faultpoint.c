/* SPDX-License-Identifier: MIT
 *
 * The points at which tests kill a process, see faultpoint.h.  Owns the
 * mapping of the words that arm them; any process, any thread.  Without the
 * file nothing happens.
 */
#include "faultpoint.h"
#include "shm/faultpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(offsetof(struct fault_words, countdown) == 48, "t/faulty.py");
_Static_assert(offsetof(struct fault_words, failed) == 72, "t/faulty.py");

/* NULL: the environment names no file. */
static struct fault_words *fault_words;

static pid_t fault_master;

/* Before main(): all processes of the program share one mapping. */
static void __attribute__((constructor)) fault_open(void)
{
	const char *path = getenv("REPORTER_FAULT_FILE");
	void *words;
	int fd;

	fault_master = getpid();
	if (path == NULL)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	words = mmap(NULL, sizeof(*fault_words), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (words != MAP_FAILED)
		fault_words = words;
}

/* Die, and do not return before the signal is there.  SIGSTOP only suspends the
   process, until the test sends SIGCONT. */
static void
fault_die(int number)
{
	/* As the daemon's default would be, whatever this process does with
	   it. */
	if (number == SIGABRT)
		abort();
	kill(getpid(), number);
	if (number == SIGSTOP)
		return;
	for (;;)
		pause();
}

/* Whether the point is armed.  A test may be writing its name, so each byte is
   looked at once: strcmp() looks again where it found a difference, and may
   find none then. */
static bool
is_armed(const struct fault_words *w, const char *name)
{
	for (size_t i = 0; i < sizeof(w->point); i++) {
		char c =
		    atomic_load_explicit(&w->point[i], memory_order_relaxed);

		if (c != name[i])
			return false;
		if (c == '\0')
			return true;
	}
	return false;
}

void
fault_point(const char *name)
{
	struct fault_words *w = fault_words;

	if (w == NULL || !is_armed(w, name))
		return;
	if (atomic_fetch_sub(&w->countdown, 1) == 1)
		fault_die(w->signal);
}

void
fault_poison(const char *name, int32_t modid)
{
	struct fault_words *w = fault_words;

	if (w != NULL && w->poison != 0 && w->poison == modid &&
	    is_armed(w, name)) {
		atomic_fetch_sub(&w->countdown, 1);
		fault_die(SIGABRT);
	}
}

int
fault_call(const char *name)
{
	struct fault_words *w = fault_words;
	enum fault_process process =
	    getpid() == fault_master ? FAULT_MASTER : FAULT_WORKER;

	if (w == NULL || w->process != (int32_t)process)
		return 0;
	if (atomic_fetch_add(&w->calls, 1) + 1 != w->fail_at)
		return 0;
	snprintf(w->failed, sizeof(w->failed), "%s", name);
	return 1;
}
