/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "lib/process.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT_MAX 1000 /* 0.7 ms */
#define NO_FILES 3     /* ".", "..", and the descriptor of the directory */

void
process_note(struct process_counters *process, uint64_t connections)
{
	uint64_t kilobytes = memory_number("/proc/self/status", "VmRSS:");
	DIR *directory = opendir("/proc/self/fd");
	uint64_t files = directory == NULL ? NO_FILES : 0;
	struct rusage usage = { .ru_maxrss = 0 };
	struct rlimit limit = { .rlim_cur = 0 };

	while (directory != NULL && files < COUNT_MAX &&
	       readdir(directory) != NULL)
		files++;
	if (directory != NULL)
		closedir(directory);
	counter_set(&process->files,
	    files < COUNT_MAX ? files - NO_FILES : connections);
	getrlimit(RLIMIT_NOFILE, &limit);
	counter_set(&process->files_max, limit.rlim_cur);
	counter_set(&process->log_lost, log_lost_lines());
	counter_set(
	    &process->memory, kilobytes == UINT64_MAX ? 0 : kilobytes * 1024);
	getrusage(RUSAGE_SELF, &usage);
	counter_set(&process->cpu_us,
	    (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		    1000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
}

void
process_close_others(const int *keep, int n)
{
	unsigned from = STDERR_FILENO + 1, next;

	do {
		next = UINT_MAX;
		for (int i = 0; i < n; i++)
			if (keep[i] >= (int)from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from)
			close_range(from, next - (next != UINT_MAX), 0);
		from = next + 1;
	} while (next != UINT_MAX);
}
