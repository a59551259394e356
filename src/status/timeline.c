/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/timeline.h"

#include <stdlib.h>

struct timeline {
	uint64_t events;
};

struct timeline *
timeline_new(void)
{
	return calloc(1, sizeof(struct timeline));
}

void
timeline_free(struct timeline *timeline)
{
	free(timeline);
}

void
timeline_add(struct timeline *timeline, const struct look *look)
{
	(void)timeline;
	(void)look;
}

void
timeline_samples(const struct timeline *timeline, int32_t modid, int32_t cmdid,
    struct timeline_samples *samples)
{
	(void)timeline;
	(void)modid;
	(void)cmdid;
	samples->count = 0;
}

size_t
timeline_events(const struct timeline *timeline, uint64_t since,
    struct timeline_event *events, size_t max, uint64_t *next, bool *lost)
{
	(void)events;
	(void)max;
	*next = timeline == NULL ? 0 : timeline->events;
	*lost = since > *next;
	return 0;
}
