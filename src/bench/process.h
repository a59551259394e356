/* SPDX-License-Identifier: MIT
 *
 * What the system tells of processes and of the machine.
 */
#ifndef REPORTER_BENCH_PROCESS_H
#define REPORTER_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/*
 * process_cpu - CPU seconds that a process has used, all its threads, user and
 * system.  It is read from the process's own CPU clock, which counts what
 * /proc/PID/stat shows, in nanoseconds instead of ticks.  Fatal when there is
 * no such process.
 */
double process_cpu(pid_t pid);

/* process_private - bytes of memory resident that belong to the process alone
   (RssAnon): its heap and stacks, no files and no shared memory. */
uint64_t process_private(pid_t pid);

struct machine {
	long cpus;       /* that this process may use */
	char model[80];  /* of the processor */
	char kernel[80]; /* name and release */
	uint64_t memory; /* bytes */
	uint64_t files;  /* hard limit of open files */
	double load;     /* average of the last minute */
};

/* machine_read - what we run on.  What is not to be had stays empty. */
void machine_read(struct machine *machine);

#endif
