/* SPDX-License-Identifier: MIT
 *
 * The seam of the kill tests: named points between the steps of what must
 * survive a kill.  Compiled in with -DREPORTER_FAULTS only; without it,
 * nothing of it is left.  What happens there is in t/faultpoint.h.
 */
#pragma once

#ifdef REPORTER_FAULTS

#include <stdint.h>

/* FAULT_POINT - die here, if this point is armed and its time has come. */
#define FAULT_POINT(name) fault_point(name)
void fault_point(const char *name);

/* FAULT_POISON - die if a record of this modid kills at this point. */
#define FAULT_POISON(name, modid) fault_poison(name, modid)
void fault_poison(const char *name, int32_t modid);

#else

#define FAULT_POINT(name) ((void)0)
#define FAULT_POISON(name, modid) ((void)0)

#endif
