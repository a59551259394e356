/* SPDX-License-Identifier: MIT
 *
 * Sampling: once a second the master notes where the counters stand, for the
 * rates that readers show, and now and then notifies the service manager.
 */
#pragma once

#include "master/child.h"

/* sample_begin - a new master: the history begins. */
void sample_begin(const struct children *children, uint64_t now_ms);

/* sample_take - once a second: take a sample.  now_ms: monotonic. */
void sample_take(const struct children *children, uint64_t now_ms);
