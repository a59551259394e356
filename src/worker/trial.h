/* SPDX-License-Identifier: MIT
 *
 * The trial: finding out which record kills workers.  After a crash (not a
 * kill from outside) the next worker takes one record at a time, noting each
 * in its segment before it touches it.  A record that killed three workers is
 * set aside into the dead-letter file, so that it cannot stop the rest for
 * ever.
 */
#pragma once

#include "conf/settings.h"
#include "shm/segment.h"

struct trial {
	uint64_t drain_end; /* ring index: records before it are on trial */
	bool flush;         /* rows of the first round are on trial */
};

/* trial_open - judge what the worker before died of.  crashed: by a fault of
   its own.  Called when the segment is taken over, before threads start.
   Sets a record aside at its third death; one that the dead-letter file has no
   room for is logged and counted as lost. */
void trial_open(struct trial *trial, struct worker_segment *segment,
    bool crashed, const struct settings *settings);

/* trial_drain, trial_flush - note what is about to be touched: the record at
   this index of the ring; a statement whose first row is in this slot.
   trial_drained, trial_flushed - it did not kill us.
   For the drain and the flush thread, each its own. */
void trial_drain(struct worker_info *info, uint64_t index);
void trial_drained(struct worker_info *info);
void trial_flush(struct worker_info *info, uint32_t slot);
void trial_flushed(struct worker_info *info);
