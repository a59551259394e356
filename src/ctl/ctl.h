/* SPDX-License-Identifier: MIT
 *
 * reporterctl: what its commands share.  One process, one thread.
 */
#pragma once

#include "status/look.h"
#include "status/names.h"
#include "status/status.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_ERROR = 1,
	CTL_USAGE = 2,
	CTL_NOT_RUNNING = 3,
	CTL_BUSY = 4 /* it is done, but not by all workers yet */
};

/* The commands.  Each gets the arguments from its own name on and returns the
   exit status. */
int ctl_status(const char *instance, int argc, char **argv);
int ctl_top(const char *instance, int argc, char **argv);
int ctl_keys(const char *instance, int argc, char **argv);
int ctl_agents(const char *instance, int argc, char **argv);
int ctl_check(const char *instance, int argc, char **argv);
int ctl_reload(const char *instance, int argc, char **argv);
int ctl_stop(const char *instance, int argc, char **argv);
int ctl_reopen(const char *instance, int argc, char **argv);
int ctl_replay(const char *instance, int argc, char **argv);

/* ctl_limits - when records are late and silent, as of -F and -S. */
extern struct look_limits ctl_limits;

/* ctl_names - the names of services; names_read() of the file that the options
   give, or of the default one.  quiet: print no errors. */
struct names *ctl_names(struct names *before, bool quiet);

/* ctl_screen_end - restores the terminal before an abnormal exit, or NULL. */
extern int (*ctl_screen_end)(void);

/* ctl_usage - print a command's usage.  Returns CTL_USAGE. */
int ctl_usage(const char *name);

/* ctl_unreadable - print why an instance's segment cannot be read, and what to
   do about it; errno is that of SHM_SYSTEM.  Returns the exit status. */
int ctl_unreadable(const char *instance, enum shm_status found);

/* ctl_find - the process of a master whose segment was removed from /dev/shm;
   0: none; below 0: the negative of one that is perhaps another instance's,
   since its mappings are hidden. */
pid_t ctl_find(const char *instance);

/* ctl_open - segment_open_master(), for reading, which waits up to 3 seconds
   until such a master has created its segment again.  *hidden: one with hidden
   mappings, or 0; NULL: do not wait for such a one. */
enum shm_status ctl_open(
    struct segment *segment, const char *instance, pid_t *hidden);

/* ctl_collect - status_collect(), which waits in that way. */
enum shm_status ctl_collect(struct status *status, const char *instance);

/* ctl_number - read a whole number from min to max out of an option's value.
   Returns false if it is invalid: printed. */
bool ctl_number(
    const char *option, const char *text, long min, long max, long *number);

/* ctl_output - flush standard output: CTL_OK, or CTL_ERROR: printed. */
int ctl_output(void);
