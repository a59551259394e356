/* SPDX-License-Identifier: MIT
 *
 * The flush: the worker's second thread, which writes the dirty keys of
 * the pending table to MySQL.  It may block for any time; the drain waits for
 * it only when the table is full.
 */
#pragma once

#include "conf/secret.h"
#include "shm/segment.h"
#include "conf/settings.h"

struct flush;

/* flush_start - start the thread.  All arguments outlive it; the password is
   the thread's alone from now on.  trial: send the rows of the first round one
   by one, see trial.h.
   Returns NULL with errno when there is no memory or no thread. */
struct flush *flush_start(const struct settings *settings,
    struct secret *password, struct worker_segment *segment,
    const struct master_shared *master, bool trial);

/* flush_notify - the drain put something into the table: wake the flush if it
   waits for that much.  Called by the drain thread after each batch. */
void flush_notify(struct flush *flush);

/* flush_wait_room - wait until the flush has stored something, at most
   timeout_ms.  Called by the drain thread when the table is full. */
void flush_wait_room(struct flush *flush, int timeout_ms);

/* flush_finish - write all pending records now, then end.  May be called
   again. */
void flush_finish(struct flush *flush);

/* flush_stop - end after the statement under way. */
void flush_stop(struct flush *flush);

/* flush_ended - whether the thread has ended, or ends within timeout_ms. */
bool flush_ended(struct flush *flush, int timeout_ms);

/* flush_join - wait for the thread's end and free. */
void flush_join(struct flush *flush);
