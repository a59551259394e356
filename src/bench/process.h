/* SPDX-License-Identifier: MIT
 *
 * Processes and temporary directories, for reporter-bench and for tests.
 */
#ifndef REPORTER_BENCH_PROCESS_H
#define REPORTER_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* child_fork - fork() a child that dies with the calling thread. */
pid_t child_fork(void);

/*
 * child_start - run a program, words[0], with its output in DIRECTORY/log,
 * which it empties, and its temporary files in DIRECTORY.  Returns its process,
 * or -1 with errno.  It ends with status 127 when it cannot be executed.
 */
pid_t child_start(
    const char *directory, const char *log, const char *const *words);

/* child_ended - whether it has ended; *pid is 0 then. */
bool child_ended(pid_t *pid);

/* child_stop - send the signal and wait for the end; *pid is 0 then.  Does
   nothing when it is 0 already. */
void child_stop(pid_t *pid, int signal);

/*
 * supervise - run `run` in a child process, then `clean` in this one, with the
 * child's exit status and whether a signal has ended it.  Nothing that the
 * child has started is running any more by then.  Returns the child's exit
 * status.  Called once, before there is another thread.
 */
int supervise(int (*run)(void), void (*clean)(int status, bool interrupted));

/* process_cpu - CPU seconds of a process, all its threads, user and system,
   from its CPU clock.  Fatal when there is no such process. */
double process_cpu(pid_t pid);

/* process_private - bytes of its resident memory that are its own (RssAnon). */
double process_private(pid_t pid);

/* file_field - the text behind "NAME:" in a file of such lines, without its
   line end; "" when there is none.  Returns text. */
char *file_field(const char *path, const char *name, char *text, size_t size);

/* directory_make - make a temporary directory NAME-XXXXXX in TMPDIR, if that
   is an absolute path of at most 32 bytes, or /tmp.  Returns 0, or -1 with
   errno and the path that failed. */
int directory_make(char *path, size_t size, const char *name);

/* shell - run a command of the shell.  Returns 0 when it succeeded, or -1. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
