/* SPDX-License-Identifier: MIT
 *
 * A change of the configuration: one transaction.
 */
#ifndef REPORTER_CHANGE_H
#define REPORTER_CHANGE_H

#include "master/state.h"

/* change_open_log - open the log that these settings name.  Returns 0, or -1:
   logged, and the log is the one before. */
int change_open_log(const struct settings *settings);

/* change_route - lead all routes to the rings of the current generation. */
void change_route(struct master *m);

/*
 * change_reload - read the configuration again and go over to it.
 * Returns 0; or -1, then the reasons were logged and nothing has changed.
 */
int change_reload(struct master *m);

#endif
