/* SPDX-License-Identifier: MIT
 *
 * Generations: the segments that belong together because their records were
 * routed over the same number of workers.  Called by the master.
 */
#pragma once

#include "master/child.h"

struct generation {
	uint64_t number;
	uint32_t workers;
	struct child *child[WORKERS_MAX];
};

/* generation_create - create the segments of a new generation, and a child for
   each.  number: its number, or a greater one if another user has its names.
   Returns 0; or -1, then the reason was logged and nothing was created. */
int generation_create(struct generation *generation, uint64_t number,
    struct children *children, const struct settings *settings);

/* generation_drop - remove the segments of a generation that was not used. */
void generation_drop(struct generation *generation);

/* generation_adopt - take over the segments that an earlier master left.  The
   newest generation can be continued if it has the shape of these settings;
   all others are to be retired.  Segments that cannot be used are set aside,
   which is logged.
   generation: filled in with the one to continue; else its number is the
   highest seen and workers is 0.  Returns 0, or -1: logged. */
int generation_adopt(struct generation *generation, struct children *children,
    const struct settings *settings);
