/* SPDX-License-Identifier: MIT
 *
 * The pacer.  Owns its socket and its thread.  Started and stopped by the main
 * thread; failures are fatal.
 */
#include "config.h"

#include "bench/pacer.h"

#include "send/encode.h"
#include "bench/fail.h"
#include "bench/generator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TURN 2e-3         /* seconds between two writes */
#define BURST_REPORTS 256 /* of one write at the most */

/* Write all; blocks while the other end does not read. */
static void
pacer_write(const struct pacer *pacer, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(pacer->fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			fail("connection lost: %s", strerror(errno));
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		}
	}
}

/* Send reports up to this number. */
static void
pacer_send(struct pacer *pacer, uint64_t due, uint8_t *buffer)
{
	uint64_t reports = keyset_reports(&pacer->set);
	uint64_t ts = (uint64_t)time(NULL);
	struct record records[KEYSET_RESULTS];
	size_t length = 0;

	if (due > pacer->sent + BURST_REPORTS)
		due = pacer->sent + BURST_REPORTS;
	if (ts < pacer->min_ts)
		ts = pacer->min_ts;
	for (; pacer->sent < due; pacer->sent++) {
		keyset_report(&pacer->set, pacer->sent % reports,
		    (uint32_t)(pacer->sent / reports + 1), ts, records);
		length += encode_report(
		    ENCODE_NATIVE, records, KEYSET_RESULTS, buffer + length);
	}
	pacer_write(pacer, buffer, length);
}

static void *
pacer_main(void *arg)
{
	struct pacer *pacer = arg;
	uint8_t *buffer = memory(BURST_REPORTS, ENCODE_REPORT_MAX);

	pacer->began = clock_now();
	while (!atomic_load(&pacer->stop)) {
		double past = clock_now() - pacer->began;

		pacer_send(pacer,
		    (uint64_t)(past * pacer->rate / KEYSET_RESULTS), buffer);
		clock_sleep(TURN);
	}
	pacer->ended = clock_now();
	free(buffer);
	return NULL;
}

void
pacer_start(struct pacer *pacer, const char *host, const char *port)
{
	pacer->sent = 0;
	atomic_store(&pacer->stop, false);
	pacer->fd = link_connect("reporter", host, port);
	if (pthread_create(&pacer->thread, NULL, pacer_main, pacer) != 0)
		fail("no thread for the load");
}

double
pacer_stop(struct pacer *pacer)
{
	atomic_store(&pacer->stop, true);
	pthread_join(pacer->thread, NULL);
	return (double)(pacer->sent * KEYSET_RESULTS) /
	       (pacer->ended - pacer->began);
}

void
pacer_close(struct pacer *pacer)
{
	close(pacer->fd);
}
