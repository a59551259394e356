/* SPDX-License-Identifier: MIT
 *
 * What the service manager is told, where there is one.  The master's.
 */
#ifndef REPORTER_NOTIFY_H
#define REPORTER_NOTIFY_H

/* notify_ready - start-up is over, or a reload is. */
void notify_ready(void);

/* notify_reloading - a reload begins; notify_ready() follows. */
void notify_reloading(void);

/* notify_stopping - the end begins. */
void notify_stopping(void);

/* notify_alive - the loop turns; called at least once a second. */
void notify_alive(void);

#endif
