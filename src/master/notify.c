/* SPDX-License-Identifier: MIT
 *
 * Notes to systemd, where it started us and libsystemd was there at the
 * build; else nothing.  Called by the master's loop; a note that is lost does
 * no harm.
 */
#include "config.h"

#include "master/notify.h"

#include <limits.h>

#ifdef HAVE_SYSTEMD
#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	struct timespec t;
	char note[64];

	/* systemd pairs this with the READY=1 that follows it by the time. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(note, sizeof(note), "RELOADING=1\nMONOTONIC_USEC=%lld%06ld",
	    (long long)t.tv_sec, t.tv_nsec / 1000);
	sd_notify(0, note);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *text)
{
	char note[256];

	snprintf(note, sizeof(note), "STATUS=%s", text);
	sd_notify(0, note);
}

/* Milliseconds between two pings: half of the watchdog's time; 0: there is no
   watchdog. */
static uint64_t
watchdog_period(void)
{
	static bool known;
	static uint64_t period;
	uint64_t usec;

	if (!known && sd_watchdog_enabled(0, &usec) > 0)
		period = usec >= 4000 ? usec / 2000 : 2;
	known = true;
	return period;
}

int
notify_alive(uint64_t now_ms)
{
	static uint64_t due_ms;
	uint64_t period = watchdog_period();

	if (period == 0)
		return INT_MAX;
	if (now_ms >= due_ms) {
		sd_notify(0, "WATCHDOG=1");
		due_ms = now_ms + period;
	}
	return due_ms - now_ms < INT_MAX ? (int)(due_ms - now_ms) : INT_MAX;
}

#else

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_status(const char *text)
{
	(void)text;
}

int
notify_alive(uint64_t now_ms)
{
	(void)now_ms;
	return INT_MAX;
}

#endif
