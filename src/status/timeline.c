/* SPDX-License-Identifier: MIT
 *
 * Samples lie look by look, so that one look writes to memory that lies
 * together.  A service keeps its row until none of its samples is left.
 */
#include "config.h"

#include "status/timeline.h"

#include <stdlib.h>

#define ROWS TIMELINE_SERVICES
#define INDEX (2 * ROWS) /* a power of two */

struct sample {
	int16_t errors;      /* x 1000; -1: unknown */
	uint16_t overloaded; /* plus 1; 0: the service was not there */
};

struct row {
	int32_t modid, cmdid;
	uint64_t seen; /* number of its last look, from 1 on; 0: free */
};

struct timeline {
	uint64_t looks; /* added */
	uint64_t times_ms[TIMELINE_SAMPLES];
	struct sample samples[TIMELINE_SAMPLES][ROWS];
	unsigned used;
	struct row rows[ROWS];
	uint16_t index[INDEX]; /* row, plus 1 */
	uint64_t events;       /* ever */
	struct timeline_event ring[TIMELINE_EVENTS];
};

struct timeline *
timeline_new(void)
{
	return calloc(1, sizeof(struct timeline));
}

/* ------------------------------------------------------------------ rows -- */

/* Where in the index a service's row is, or would be. */
static unsigned
index_of(const struct timeline *t, int32_t modid, int32_t cmdid)
{
	unsigned at = look_hash((uint32_t)modid, (uint32_t)cmdid) % INDEX;

	for (; t->index[at] != 0; at = (at + 1) % INDEX) {
		const struct row *row = &t->rows[t->index[at] - 1];

		if (row->modid == modid && row->cmdid == cmdid)
			break;
	}
	return at;
}

/* Free the rows of which no sample is left. */
static void
rows_sweep(struct timeline *t)
{
	memset(t->index, 0, sizeof(t->index));
	for (unsigned i = 0; i < t->used; i++) {
		struct row *row = &t->rows[i];

		if (row->seen + TIMELINE_SAMPLES <= t->looks)
			row->seen = 0;
		if (row->seen > 0)
			t->index[index_of(t, row->modid, row->cmdid)] =
			    (uint16_t)(i + 1);
	}
}

/* The row of a service, a new one if it has none; ROWS: all are taken.
 *next: where to look for a free one. */
static unsigned
row_of(struct timeline *t, int32_t modid, int32_t cmdid, unsigned *next)
{
	unsigned at = index_of(t, modid, cmdid);

	if (t->index[at] != 0)
		return t->index[at] - 1u;
	while (*next < ROWS && t->rows[*next].seen > 0)
		++*next;
	if (*next == ROWS)
		return ROWS;
	if (*next >= t->used)
		t->used = *next + 1;
	t->rows[*next] = (struct row){ modid, cmdid, 0 };
	t->index[at] = (uint16_t)(*next + 1);
	return *next;
}

/* ------------------------------------------------------------ looks --- */

/* Begin a look: a sample of nothing. */
static struct sample *
samples_begin(struct timeline *t, uint64_t now_ms)
{
	unsigned at = t->looks++ % TIMELINE_SAMPLES;

	t->times_ms[at] = now_ms;
	return memset(t->samples[at], 0, t->used * sizeof(**t->samples));
}

void
timeline_add(struct timeline *t, const struct look *look, double step_s)
{
	const struct look_service *services = look->services;
	uint64_t now_ms = look->totals.now_ms;
	uint64_t last = t->times_ms[(t->looks - 1) % TIMELINE_SAMPLES];
	uint64_t step_ms = (uint64_t)(step_s * 1000);
	unsigned next = 0;

	/* Samples are shown as evenly spaced: add those that were missed. */
	if (t->looks > 0 && now_ms > last + TIMELINE_SAMPLES * step_ms)
		last = now_ms - TIMELINE_SAMPLES * step_ms;
	while (t->looks > 0 && now_ms >= last + 2 * step_ms)
		samples_begin(t, last += step_ms);
	if (t->used == ROWS)
		rows_sweep(t);
	struct sample *samples = samples_begin(t, now_ms);
	for (uint64_t i = 0; i < look->totals.services; i++) {
		const struct look_service *s = &services[i];
		unsigned row = row_of(t, s->modid, s->cmdid, &next);
		double errors = look_error_share(&s->sum);

		if (row == ROWS)
			continue;
		t->rows[row].seen = t->looks;
		samples[row].errors =
		    (int16_t)(errors < 0 ? -1 : errors * 1000 + 0.5);
		samples[row].overloaded = s->overloaded < UINT16_MAX
					      ? (uint16_t)(s->overloaded + 1)
					      : UINT16_MAX;
	}
	for (size_t i = 0; i < look->flips.count; i++) {
		struct timeline_event *event =
		    &t->ring[t->events % TIMELINE_EVENTS];

		event->number = ++t->events;
		event->time_ms = now_ms;
		event->flip = ((struct look_flip *)look->flips.at)[i];
	}
}

void
timeline_samples(const struct timeline *t, int32_t modid, int32_t cmdid,
    struct timeline_samples *samples)
{
	samples->count = 0;
	samples->first_ms = 0;
	samples->step_s = TIMELINE_STEP_S;
	if (t == NULL || t->looks == 0)
		return;
	unsigned at = index_of(t, modid, cmdid);
	uint64_t from =
	    t->looks < TIMELINE_SAMPLES ? 0 : t->looks - TIMELINE_SAMPLES;
	uint64_t last = t->times_ms[(t->looks - 1) % TIMELINE_SAMPLES];
	samples->first_ms = t->times_ms[from % TIMELINE_SAMPLES];
	if (t->looks - from > 1 && last > samples->first_ms)
		samples->step_s = (double)(last - samples->first_ms) / 1000 /
				  (double)(t->looks - from - 1);
	for (uint64_t i = from; t->index[at] != 0 && i < t->looks; i++) {
		const struct sample *sample =
		    &t->samples[i % TIMELINE_SAMPLES][t->index[at] - 1];
		unsigned to = samples->count++;

		samples->overloaded[to] = sample->overloaded - 1;
		samples->errors[to] =
		    sample->overloaded == 0 ? -1 : sample->errors;
	}
}

size_t
timeline_events(const struct timeline *t, uint64_t since,
    struct timeline_event *events, size_t max, uint64_t *next, bool *lost)
{
	uint64_t kept =
	    t->events < TIMELINE_EVENTS ? 0 : t->events - TIMELINE_EVENTS;
	size_t count = 0;

	*lost = since > t->events || since < kept;
	if (*lost)
		since = kept;
	while (count < max && since < t->events)
		events[count++] = t->ring[since++ % TIMELINE_EVENTS];
	*next = since;
	return count;
}
