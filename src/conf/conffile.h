/* SPDX-License-Identifier: MIT
 *
 * Reading a configuration file, and those it includes: from bytes to options
 * with their text.
 */
#pragma once

#include "conf/option.h"
#include "lib/complain.h"

#define CONFFILE_DEPTH 8       /* files that include one another */
#define CONFFILE_LINE_MAX 8192 /* bytes of a line without its comment */

/* Called for each option given, in the order of the file.  where:
   "file:line". */
typedef void conffile_take(void *arg, const struct conf_option *option,
    const char *value, const char *where);

/* conffile_read - read the file at path.  Every error in its form and its
   names is reported to complaints, and reading continues.  No byte of the file
   is left in memory but what `take` was given and kept. */
void conffile_read(const char *path, struct complaints *complaints,
    conffile_take *take, void *arg);
