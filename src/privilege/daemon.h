/* SPDX-License-Identifier: MIT
 *
 * What makes a daemon.  Starting in the background: the command returns when
 * the daemon is ready, or has failed, with an exit status that shows which. The
 * pid file, one for the process.  The titles that `ps` shows: "reporter: worker
 * 3".
 */
#pragma once

/* background_enter - continue in a child process, in a session of its own.
   The parent waits there: it exits with 0 at background_ready(), with 1 if the
   child ends before.  Returns 0 in the child only, or -1 with errno. */
int background_enter(void);

/* background_ready - redirect the standard streams to /dev/null and let the
   parent exit.  Does nothing without background_enter(). */
void background_ready(void);

/* pidfile_write - write the pid, and keep the file locked while the process
   lives.  path: "" for no file.  Returns 0, or -1: logged. */
int pidfile_write(const char *path);

/* pidfile_remove - remove the file; does nothing when there is none. */
void pidfile_remove(void);

/* title_init - remember where the title can be written.  Call it once, first
   of all, with main()'s own arguments. */
void title_init(int argc, char **argv);

/* title_set - set the role, truncated to the room there is. */
void title_set(const char *role);
