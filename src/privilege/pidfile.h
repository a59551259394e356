/* SPDX-License-Identifier: MIT
 *
 * The pid file, one for the process.
 */
#ifndef REPORTER_PIDFILE_H
#define REPORTER_PIDFILE_H

/* pidfile_write - write the pid, and keep the file locked while the process
   lives.  path: "" for no file.  Returns 0, or -1: logged. */
int pidfile_write(const char *path);

/* pidfile_remove - remove the file; does nothing when there is none. */
void pidfile_remove(void);

#endif
