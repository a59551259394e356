/* SPDX-License-Identifier: MIT
 *
 * The reload: reading the configuration again, and what its changes ask for.
 * The master's.
 */
#ifndef REPORTER_RELOAD_H
#define REPORTER_RELOAD_H

#include "conf/settings.h"

/* What a change of the configuration asks for. */
struct reload_plan {
	bool workers; /* workers are started again */
	bool queue;   /* a new generation of segments is made */
};

/*
 * reload_load - load the file at path beside the settings in force.  Options
 * that only a restart can change keep their value, and the log says so.
 * Returns settings that the caller owns; or NULL, then every error was logged.
 */
struct settings *reload_load(const char *path, const struct settings *now);

/*
 * reload_path - the path by which the user that we are now reads the
 * configuration: `path`, resolved at each read; or `real`, what root's
 * realpath() made of it, if a directory on the way is closed to this user,
 * which is logged.  real: freed, or kept and returned; NULL is allowed.
 */
const char *reload_path(const char *path, char *real);

/*
 * reload_rehearse - whether the file can be read again by the user that we are
 * now, and says the same: what each worker and each reload will need.
 * Returns 0, or -1: logged, with what to do.
 */
int reload_rehearse(const char *path, const struct settings *now);

/* reload_compare - what the change asks for. */
struct reload_plan reload_compare(
    const struct settings *before, const struct settings *after);

/* reload_tell - log each option that differs, with its old and its new value.
   For a change that is in force. */
void reload_tell(const struct settings *before, const struct settings *after);

#endif
