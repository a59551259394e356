/* SPDX-License-Identifier: MIT
 *
 * Sampling: once a second the master notes where the counters stand, for the
 * rates that others show, and now and then tells the service manager.  Called
 * by the master's loop.
 */
#ifndef REPORTER_SAMPLE_H
#define REPORTER_SAMPLE_H

#include "master/child.h"

/* sample_begin - a new master: the history begins. */
void sample_begin(const struct children *children, uint64_t now_ms);

/*
 * sample_tick - take a sample if one is due at now_ms (monotonic).  Returns
 * the milliseconds until it wants to be called again.
 */
int sample_tick(const struct children *children, uint64_t now_ms);

#endif
