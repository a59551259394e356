/* SPDX-License-Identifier: MIT
 *
 * Notes to the service manager.  One that is lost does no harm.
 */
#include "config.h"

#include "master/notify.h"
#include "lib/clock.h"
#include "lib/log.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_US 5000000

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, note) ((void)(note))
#define sd_notify_barrier(unset, timeout) 0
#define sd_pid_notify_with_fds(pid, unset, note, fds, n) ((void)(fds), 0)
#define sd_watchdog_enabled(unset, usec) (*(usec) = 0, 0)
#endif

void
notify(const char *note)
{
	sd_notify(0, note);
}

bool
notify_can_store(void)
{
#ifdef HAVE_SYSTEMD
	/* Others than systemd may be notified, and have no store. */
	return getenv("NOTIFY_SOCKET") != NULL &&
	       getenv("INVOCATION_ID") != NULL;
#else
	return false;
#endif
}

int
notify_store(const struct ark *ark)
{
	/* FDPOLL=0: the queues hang up when we exit, which is no reason to drop
	   them. */
	int rc = sd_pid_notify_with_fds(0, 0,
	    "FDSTORE=1\nFDNAME=" ARK_NAME "\nFDPOLL=0", ark->part,
	    (unsigned)ark->count);

	if (rc >= 0)
		rc = sd_notify_barrier(0, STORE_US);
	if (rc >= 0)
		return 0;
	log_warn("the service manager did not take the connections over: %s; "
		 "agents must reconnect",
	    strerror(-rc));
	return -1;
}

void
notify_reloading(void)
{
	char note[64];

	/* systemd pairs this with the READY=1 that follows it by the time. */
	snprintf(note, sizeof(note), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    monotonic_us());
	notify(note);
}

int
notify_alive(uint64_t now_ms)
{
	static bool known;
	static uint64_t period, due_ms; /* 0: no watchdog */
	uint64_t usec;

	if (!known && sd_watchdog_enabled(0, &usec) > 0)
		period = usec >= 4000 ? usec / 2000 : 2;
	known = true;
	if (period == 0)
		return INT_MAX;
	if (now_ms >= due_ms) {
		notify("WATCHDOG=1");
		due_ms = now_ms + period;
	}
	return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}
