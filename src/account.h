/* SPDX-License-Identifier: MIT
 *
 * What the process is to the system: its user, its limits, its place in the
 * background, its pid file.  The master's, at the start.
 */
#ifndef REPORTER_ACCOUNT_H
#define REPORTER_ACCOUNT_H

#include <stdint.h>
#include <sys/types.h>

/* account_descriptors - raise the limit of open files to what so many
   connections need.  Returns 0, or -1: logged. */
int account_descriptors(uint64_t connections);

/* account_group - the number of the group named; "" gives ACCOUNT_NO_GROUP.
   Returns 0, or -1: logged. */
#define ACCOUNT_NO_GROUP ((gid_t)-1)
int account_group(const char *name, gid_t *group);

/*
 * account_become - change to the user named, with that user's groups; "" is:
 * stay who we are.  group: a group to be in besides, or ACCOUNT_NO_GROUP.  A
 * log file that root has made becomes the user's, who will have to open it
 * again.  Returns 0, or -1: logged.
 */
int account_become(const char *user, gid_t group);

/*
 * background_enter - go on in the background; the process that was called
 * waits for background_ready() and exits then with status 0, or with 1 if we
 * end before.  Returns only in the process in the background, or -1 with
 * errno.
 */
int background_enter(void);

/* background_ready - start-up is over: let the one that waits exit. */
void background_ready(void);

/* pidfile_write - write our pid, and hold the file locked while we live; ""
   is: none.  Returns 0, or -1: logged (as when another process holds it). */
int pidfile_write(const char *path);

/* pidfile_remove - remove the file that pidfile_write() made. */
void pidfile_remove(void);

#endif
