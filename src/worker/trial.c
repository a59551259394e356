/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "worker/trial.h"
#include "worker/deadletter.h"
#include "lib/log.h"

#include <inttypes.h>

/* The first death was of a whole batch, when nothing was on trial yet. */
#define DEATHS_ON_TRIAL 2

void
trial_drain(struct worker_info *info, uint64_t index)
{
	counter_set(&info->suspect, index + 1);
}

void
trial_drained(struct worker_info *info)
{
	counter_set(&info->suspect, 0);
	counter_set(&info->suspect_deaths, 0);
}

void
trial_flush(struct worker_info *info, uint32_t slot)
{
	counter_set(&info->suspect_slot, (uint64_t)slot + 1);
}

void
trial_flushed(struct worker_info *info)
{
	counter_set(&info->suspect_slot, 0);
}

static void
set_aside(struct worker_shared *shared, const struct settings *settings,
    const struct record *record, uint64_t deaths)
{
	bool written =
	    deadletter_write(settings, record, 0, "it killed its worker") == 0;

	if (!written) {
		log_error(
		    "cannot write dead-letter file %s: %m; a record is lost",
		    settings->dead_letter_file);
		counter_add(&shared->flush.dead_lost, 1);
	}
	counter_add(&shared->info.poisoned, 1);
	log_error("a record (modid %d, cmdid %d) crashed its worker %" PRIu64
		  " times; %s",
	    record->modid, record->cmdid, deaths,
	    written ? "moved to the dead-letter file" : "lost");
}

static void
judge_queued(struct worker_segment *segment, const struct settings *settings)
{
	struct worker_shared *shared = segment->shared;
	struct worker_info *info = &shared->info;
	uint64_t suspect = counter_get(&info->suspect), n = 1;

	if (suspect != counter_get(&shared->consumer.tail) + 1) {
		counter_set(&info->suspect_deaths, 0);
		return;
	}
	counter_add(&info->suspect_deaths, 1);
	if (counter_get(&info->suspect_deaths) < DEATHS_ON_TRIAL)
		return;
	const struct record *record = ring_peek(&segment->ring, &n);
	if (n == 1) {
		/* One more: the batch that died first contained it. */
		set_aside(shared, settings, record,
		    counter_get(&info->suspect_deaths) + 1);
		counter_add(&shared->drain.added, 1);
		counter_release(&shared->flush.dead_letter,
		    counter_get(&shared->flush.dead_letter) + 1);
		ring_advance(&segment->ring, 1);
	}
	counter_set(&info->suspect_deaths, 0);
}

static void
judge_pending(struct worker_segment *segment, const struct settings *settings)
{
	struct worker_info *info = &segment->shared->info;
	uint64_t suspect = counter_get(&info->suspect_slot);
	struct table_row row;

	if (suspect != counter_get(&info->trial_slot)) {
		counter_set(&info->trial_slot, suspect);
		counter_set(&info->trial_slot_deaths, 0);
	}
	counter_add(&info->trial_slot_deaths, 1);
	/* One more than for the drain: the batch that died first may have
	   begun with this row by chance. */
	if (counter_get(&info->trial_slot_deaths) <= DEATHS_ON_TRIAL ||
	    suspect > segment->table.size)
		return;
	/* No thread writes to it yet: a slot that cannot be read now never
	   can. */
	row.slot = (uint32_t)suspect - 1;
	row.state = table_read(&segment->table, row.slot, &row.record);
	if (row.state & STATE_DIRTY) {
		set_aside(segment->shared, settings, &row.record,
		    counter_get(&info->trial_slot_deaths));
		table_refused(&segment->table, &row);
	}
}

void
trial_open(struct trial *trial, struct worker_segment *segment, bool crashed,
    const struct settings *settings)
{
	struct worker_info *info = &segment->shared->info;

	*trial = (struct trial){ 0, false };
	if (crashed) {
		judge_queued(segment, settings);
		trial->flush = counter_get(&info->suspect_slot) != 0;
		if (trial->flush)
			judge_pending(segment, settings);
		trial->drain_end = counter_get(&segment->ring.producer->head);
	}
	counter_set(&info->suspect, 0);
	counter_set(&info->suspect_slot, 0);
}
