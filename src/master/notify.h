/* SPDX-License-Identifier: MIT
 *
 * Notes to the service manager (systemd).  Without one nothing happens.  Each
 * waits for 1 second at most if the manager does not read.  Called by the
 * master.
 */
#pragma once

#include "edge/ark.h"

#include <stdbool.h>
#include <stdint.h>

/* notify - send an assignment of sd_notify(3): READY=1 after a start or a
   reload, STOPPING=1, STATUS=one line, FDSTOREREMOVE=1 for an ark. */
void notify(const char *note);

/* notify_can_store - whether there is a service manager to keep an ark over a
   restart.  Whether it will, is known after notify_store(). */
bool notify_can_store(void);

/* notify_store - have the service manager keep an ark until the next start; if
   it does not start reporter again, it closes the ark.  Blocks until the
   manager has received it, 5 seconds at most.  Returns 0, or -1: logged. */
int notify_store(const struct ark *ark);

/* notify_reloading - a reload begins; READY=1 follows. */
void notify_reloading(void);

/* notify_alive - the loop turns: reset the watchdog, twice within its time.
   now_ms is monotonic.  Returns the milliseconds until the next call. */
int notify_alive(uint64_t now_ms);
