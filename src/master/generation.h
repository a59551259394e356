/* SPDX-License-Identifier: MIT
 *
 * Generations: the segments that belong together because their records were
 * routed over the same number of workers.  The newest one is written to; older
 * ones only empty themselves.  Called by the master.
 */
#ifndef REPORTER_GENERATION_H
#define REPORTER_GENERATION_H

#include "master/child.h"

struct generation {
	uint64_t number;
	uint32_t workers;
	struct child *child[WORKERS_MAX];
};

/*
 * generation_create - make the segments of a new generation, and a child for
 * each.  Returns 0; or -1, then the reason was logged and nothing was made.
 */
int generation_create(struct generation *generation, uint64_t number,
    struct children *children, const struct settings *settings);

/* generation_retire - it is written to no more: its workers finish. */
void generation_retire(struct generation *generation);

/* generation_rings - its rings, in the order of the slots. */
void generation_rings(struct generation *generation, struct ring **rings);

/*
 * generation_adopt - take over the segments that an earlier master left.  The
 * newest generation is gone on with if its shape is the one wanted; all others
 * are retired.  Segments that cannot be used are set aside, with a line in the
 * log.
 * generation: filled in when one is gone on with, else its number is the
 * highest seen and workers is 0.  Returns 0, or -1 when there are too many.
 */
int generation_adopt(struct generation *generation, struct children *children,
    const struct settings *settings);

#endif
