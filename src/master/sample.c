/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "master/sample.h"
#include "lib/clock.h"
#include "lib/process.h"
#include "master/notify.h"

#include <inttypes.h>
#include <stdio.h>

#define NOTE_SAMPLES (PROCESS_NOTE_MS / 1000) /* between two notes */
#define NOTE_SPAN 10 /* seconds that its rates are over */

/* Where the counters stand: the master's own, the workers' that are there, and
   what segments counted that are gone. */
static struct history_sample
sample_of(const struct children *children, uint64_t now_ms)
{
	const struct input_counters *input = &children->shared->input;
	struct history_sample s = { .at_ms = now_ms };

	s.counts[HISTORY_REPORTS] = counter_get(&input->reports);
	s.counts[HISTORY_RECEIVED] = counter_get(&input->received);
	s.counts[HISTORY_REJECTED] =
	    counter_sum(input->rejected, REJECT_REASONS);
	s.counts[HISTORY_DROPPED] = counter_get(&input->dropped);
	s.counts[HISTORY_SUPERSEDED] = counter_get(&input->retired.superseded);
	s.counts[HISTORY_STORED] = counter_get(&input->retired.stored);
	s.counts[HISTORY_DEAD_LETTER] =
	    counter_get(&input->retired.dead_letter);
	CHILDREN_EACH(child, children) {
		const struct worker_shared *w = child->segment.shared;

		s.counts[HISTORY_SUPERSEDED] +=
		    counter_get(&w->drain.superseded);
		s.counts[HISTORY_STORED] += counter_get(&w->flush.stored);
		s.counts[HISTORY_DEAD_LETTER] +=
		    counter_get(&w->flush.dead_letter);
	}
	return s;
}

/* When a record was last dropped, set aside or lost, to within a sample: for
   readers that look rarely and would miss it in the counts. */
static void
sample_losses(const struct children *children, const struct history_sample *now)
{
	struct input_counters *input = &children->shared->input;
	static struct history_sample last;
	static uint64_t last_lost;
	uint64_t lost = 0, ts = now->at_ms;

	CHILDREN_EACH(child, children)
		lost += counter_get(&child->segment.shared->flush.dead_lost);
	if (last.at_ms != 0 && lost > last_lost)
		counter_set(&input->last_dead_lost_ts, ts);
	last_lost = lost;

	if (last.at_ms != 0 &&
	    now->counts[HISTORY_DEAD_LETTER] > last.counts[HISTORY_DEAD_LETTER])
		counter_set(&input->last_dead_letter_ts, ts);
	if (last.at_ms != 0 &&
	    now->counts[HISTORY_DROPPED] > last.counts[HISTORY_DROPPED])
		counter_set(&input->last_dropped_ts, ts);
	last = *now;
}

/* One line for `systemctl status`, and the figures of this process. */
static void
sample_note(const struct children *children, const struct history_sample *now)
{
	const struct master_shared *shared = children->shared;
	unsigned running = 0, all = 0;
	struct rates rates;
	char text[200];

	rates_over(&rates, &shared->history, now, NOTE_SPAN);
	CHILDREN_EACH(child, children) {
		all++;
		running += child->state == CHILD_RUNNING;
	}
	snprintf(text, sizeof(text),
	    "STATUS=%" PRIu64 " connections, %u of %u workers running; per "
	    "second: %.1f records received, %.1f superseded, %.1f stored",
	    counter_get(&shared->input.connections), running, all,
	    rates.per_second[HISTORY_RECEIVED],
	    rates.per_second[HISTORY_SUPERSEDED],
	    rates.per_second[HISTORY_STORED]);
	notify(text);
	process_note(&children->shared->input.process,
	    counter_get(&children->shared->input.connections));
}

void
sample_begin(const struct children *children, uint64_t now_ms)
{
	struct history *history = &children->shared->history;
	struct history_sample first = sample_of(children, now_ms);

	history_reset(history);
	history_put(history, &first);
	sample_losses(children, &first);
}

void
sample_take(const struct children *children, uint64_t now_ms)
{
	struct history *history = &children->shared->history;
	struct history_sample sample = sample_of(children, now_ms);
	if (counter_get(&history->taken) % NOTE_SAMPLES == 2)
		sample_note(children, &sample);
	history_put(history, &sample);
	sample_losses(children, &sample);
}
