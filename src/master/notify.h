/* SPDX-License-Identifier: MIT
 *
 * What the service manager is told, where there is one.  The master's.
 */
#ifndef REPORTER_NOTIFY_H
#define REPORTER_NOTIFY_H

#include <stdint.h>

/* notify_ready - start-up is over, or a reload is. */
void notify_ready(void);

/* notify_reloading - a reload begins; notify_ready() follows. */
void notify_reloading(void);

/* notify_stopping - the end begins. */
void notify_stopping(void);

/* notify_status - one line of text for whoever asks how it does. */
void notify_status(const char *text);

/*
 * notify_alive - the loop turns.  Pings the watchdog, where there is one, at
 * half of its time.  now_ms: a monotonic clock.  Returns the milliseconds
 * until it must be called again.
 */
int notify_alive(uint64_t now_ms);

#endif
