/* SPDX-License-Identifier: MIT
 *
 * Supervising a benchmark with servers of its own.  Owns the temporary folder
 * and the name of the instance.  The supervisor's one thread; a failure to
 * begin is fatal, cleaning up goes on as far as it can.
 */
#include "config.h"

#include "bench/self.h"

#include "bench/fail.h"
#include "bench/supervise.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAIL_LINES 12

/* --------------------------------------------------------------- folder --- */

static void
self_make_folder(struct self *self)
{
	const char *place = getenv("TMPDIR");

	/* A socket's path may have about 100 bytes. */
	if (place == NULL || *place != '/' || strlen(place) > 32)
		place = "/tmp";
	snprintf(self->folder, sizeof(self->folder), "%s/reporter-bench-XXXXXX",
	    place);
	if (mkdtemp(self->folder) == NULL)
		fail("%s: %s", self->folder, strerror(errno));
	snprintf(self->socket, sizeof(self->socket), "%s/database.sock",
	    self->folder);
	snprintf(
	    self->conf, sizeof(self->conf), "%s/reporter.conf", self->folder);
	snprintf(
	    self->instance, sizeof(self->instance), "bench-%d", (int)getpid());
}

static int
entry_remove(
    const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
self_remove_folder(const struct self *self)
{
	if (nftw(self->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fprintf(stderr, "reporter-bench: %s stays behind: %s\n",
		    self->folder, strerror(errno));
}

void
self_remove_segments(const struct self *self)
{
	static char names[CHILDREN_MAX][SEGMENT_NAME_MAX];
	char name[SEGMENT_NAME_MAX];
	int n = segment_list(self->instance, names, CHILDREN_MAX);

	for (int i = 0; i < n && i < CHILDREN_MAX; i++)
		segment_remove(names[i]);
	snprintf(name, sizeof(name), "/reporter.%s", self->instance);
	segment_remove(name);
}

/* Show the end of a log. */
static void
log_show(const struct self *self, const char *name)
{
	char path[96], line[TAIL_LINES][256];
	unsigned long n = 0;

	snprintf(path, sizeof(path), "%s/%s", self->folder, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line[n % TAIL_LINES], sizeof(*line), file) != NULL)
		n++;
	fclose(file);
	fprintf(stderr, "the end of %s:\n", name);
	for (unsigned long i = n > TAIL_LINES ? n - TAIL_LINES : 0; i < n; i++)
		fprintf(stderr, "    %s", line[i % TAIL_LINES]);
}

/* ------------------------------------------------------------ the runner -- */

struct supervised {
	struct self *self;
	int (*runner)(void *arg);
	void *arg;
};

static int
self_run(void *arg)
{
	const struct supervised *s = arg;

	return s->runner(s->arg);
}

static void
self_clean(void *arg, int status, bool interrupted)
{
	const struct self *self = ((struct supervised *)arg)->self;

	if (status == BENCH_BROKEN && !interrupted) {
		log_show(self, "database.log");
		log_show(self, "reporter.log");
	}
	self_remove_segments(self);
	self_remove_folder(self);
}

int
self_supervise(struct self *self, int (*runner)(void *arg), void *arg)
{
	struct supervised supervised = { self, runner, arg };

	self_make_folder(self);
	return supervise(self_run, self_clean, &supervised);
}
