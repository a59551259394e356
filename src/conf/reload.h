/* SPDX-License-Identifier: MIT
 *
 * The reload: reading the configuration again, and what its changes require.
 * Called by the main loop of the master.
 */
#ifndef REPORTER_RELOAD_H
#define REPORTER_RELOAD_H

#include "conf/settings.h"

/* What a change of the configuration requires. */
struct reload_plan {
	bool workers; /* restart the workers */
	bool queue;   /* create a new generation of segments */
};

/*
 * reload_load - load the file at path.  Options that require a restart keep
 * their current value, which is logged.
 * Returns settings that the caller owns; or NULL, then every error was logged.
 */
struct settings *reload_load(const char *path, const struct settings *now);

/*
 * reload_path - the path by which the current user reads the configuration:
 * `path`, resolved at each read; or `real`, to which root's realpath() has
 * resolved it, if this user cannot search a directory of `path`, which is
 * logged.  real: freed, or returned; NULL is allowed.
 */
const char *reload_path(const char *path, char *real);

/*
 * reload_rehearse - check that the current user can read the file, as each
 * worker and each reload will, with the same values. Returns 0, or -1: logged,
 * with what to do.
 */
int reload_rehearse(const char *path, const struct settings *now);

/* reload_compare - what the change requires. */
struct reload_plan reload_compare(
    const struct settings *before, const struct settings *after);

/* reload_tell - log each option that was changed, with its old and its new
   value. */
void reload_tell(const struct settings *before, const struct settings *after);

#endif
