/* SPDX-License-Identifier: MIT
 *
 * Workers that take nothing from their rings.  One look cannot tell them from
 * busy ones, and they themselves cannot say it, so this looks again.  Any
 * process that may open the segments, one thread.
 */
#include "config.h"

#include "status/status.h"

#include <poll.h>

#define LOOKS 20
#define LOOK_MS 100

static uint64_t
taken(const struct status_worker *w)
{
	return w->drain.added + w->drain.superseded + w->drain.replayed;
}

/* Whether it had taken none of what is in its ring by the later status. */
static bool
takes_nothing(const struct status_worker *w, const struct status *later)
{
	for (unsigned i = 0; i < later->count; i++) {
		const struct status_worker *l = &later->workers[i];

		if (l->generation == w->generation && l->slot == w->slot)
			return l->queued > 0 && taken(l) == taken(w);
	}
	return false;
}

void
status_find_stalled(struct status *status, const char *instance)
{
	static struct status later;
	bool any = false;

	for (unsigned i = 0; i < status->count; i++) {
		struct status_worker *w = &status->workers[i];

		w->stalled = status->running && w->pid != 0 && w->queued > 0;
		any = any || w->stalled;
	}
	for (int looks = 0; any && looks < LOOKS; looks++) {
		poll(NULL, 0, LOOK_MS);
		if (status_collect(&later, instance) != SHM_OK)
			later.count = 0;
		any = false;
		for (unsigned i = 0; i < status->count; i++) {
			struct status_worker *w = &status->workers[i];

			w->stalled = w->stalled && takes_nothing(w, &later);
			any = any || w->stalled;
		}
	}
}
