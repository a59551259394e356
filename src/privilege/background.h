/* SPDX-License-Identifier: MIT
 *
 * Starting in the background: the command returns when the daemon is ready,
 * with an exit status that says whether it got there.
 */
#ifndef REPORTER_BACKGROUND_H
#define REPORTER_BACKGROUND_H

/*
 * background_enter - continue in a child process, in a session of its own.
 * The parent waits there: it exits with 0 at background_ready(), with 1 if the
 * child ends before.  Returns 0 in the child only, or -1 with errno.
 */
int background_enter(void);

/* background_ready - redirect the standard streams to /dev/null and let the
   parent exit.  Does nothing without background_enter(). */
void background_ready(void);

#endif
