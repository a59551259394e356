/* SPDX-License-Identifier: MIT
 *
 * What the process is to the system: its user, its limits, its place in the
 * background, its pid file.  The master's, at the start.
 */
#ifndef REPORTER_ACCOUNT_H
#define REPORTER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ACCOUNT_REFUSED 1024 /* open files for refused agents */

/* account_raise - raise the limit of open files to what so many connections
   need, *want, or by ACCOUNT_REFUSED more if that is permitted.
   Returns 0, or -1 with errno when the limit is below *want. */
int account_raise(uint64_t connections, uint64_t *want);

/* account_spare - how many open files the limit allows beyond what so many
   connections need; 0 if it cannot be read. */
uint64_t account_spare(uint64_t connections);

/* account_descriptors - likewise.  Returns 0, or -1: logged. */
int account_descriptors(uint64_t connections);

/*
 * account_borrow - open files as that user for a while, until account_return():
 * what is made then is the user's, who opens it again later, and no link of
 * the user's leads root astray.  "" or not root: nothing changes.
 * Returns 0, or -1: logged.
 */
int account_borrow(const char *user);
void account_return(void);

/* account_group - the number of the group named; "" gives ACCOUNT_NO_GROUP.
   Returns 0, or -1: logged. */
#define ACCOUNT_NO_GROUP ((gid_t)-1)
int account_group(const char *name, gid_t *group);

/* account_may_join - whether we are in the group, or may choose our groups. */
bool account_may_join(gid_t group);

/*
 * account_become - change to the user named, with that user's groups; "" is:
 * stay who we are.  group: a group to be in besides, or ACCOUNT_NO_GROUP.
 * Returns 0, or -1: logged.
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
