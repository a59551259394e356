/* SPDX-License-Identifier: MIT
 *
 * Notes to systemd, where it started us and libsystemd was there at the
 * build; else nothing.  Called by the master's loop; a note that is lost does
 * no harm.
 */
#include "config.h"

#include "notify.h"

#ifdef HAVE_SYSTEMD
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
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
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
notify_alive(void)
{
}

#endif
