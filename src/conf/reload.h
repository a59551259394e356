/* SPDX-License-Identifier: MIT
 *
 * The reload: reading the configuration again.  For the master; a
 * worker reopens its log.
 */
#pragma once

#include "conf/settings.h"

/* reload_log - open the log that these settings name, at the start as well.
   Returns 0; or -1: logged, and the log is the one before. */
int reload_log(const struct settings *settings);

/* reload_load - load the file at path, which must not be empty.  Returns
   settings that the caller owns; or NULL, then every error was logged. */
struct settings *reload_load(const char *path);

/* reload_path - the path by which the current user reads the configuration:
   `path`, resolved at each read; or `real`, to which root's realpath() has
   resolved it, if this user cannot search a directory of `path`, which is
   logged.  real: freed, or returned; NULL is allowed. */
const char *reload_path(const char *path, char *real);

/* reload_rehearse - check that the current user can read the file, as each
   worker and each reload will, with the same values. Returns 0, or -1: logged,
   with what to do. */
int reload_rehearse(const char *path, const struct settings *now);

/* reload_user - the name of the user that this process runs as, or the number
   of one without a name.  Valid until the next call. */
const char *reload_user(void);
