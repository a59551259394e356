/* SPDX-License-Identifier: MIT
 *
 * The master process: its start, its loop, its end.
 */
#pragma once

#include "conf/settings.h"

/* master_run - be the master until a signal ends it.  settings: taken over.
   path: of the configuration, read again at a reload; absolute, since we may
   have changed the directory.  take_over: from the running master, if there is
   one.  ready: called once when we listen.
   Returns the exit status: 0 after a graceful shutdown, 1 when it could not
   start; then the reason was logged. */
int master_run(struct settings *settings, const char *path, bool take_over,
    void (*ready)(void));
