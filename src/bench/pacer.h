/* SPDX-License-Identifier: MIT
 *
 * The pacer: one agent that reports a key set over and over at a given rate,
 * from a thread of its own.  Each pass has its number, from 1, as the count of
 * calls, so that the table shows afterwards whether it is right.
 */
#ifndef REPORTER_BENCH_PACER_H
#define REPORTER_BENCH_PACER_H

#include "bench/keyset.h"

#include <pthread.h>
#include <stdatomic.h>

struct pacer {
	struct keyset set;
	double rate;     /* records a second */
	uint64_t min_ts; /* no record is older */
	int fd;
	pthread_t thread;
	_Atomic bool stop;
	uint64_t sent; /* reports; valid when the thread has ended */
	double began, ended;
};

/* pacer_start - connect and begin.  set, rate and least_ts are filled in.
   Failing is fatal. */
void pacer_start(struct pacer *pacer, const char *host, const char *port);

/* pacer_stop - end, between two reports.  Returns the rate that was reached.
   The connection stays open until pacer_close(). */
double pacer_stop(struct pacer *pacer);
void pacer_close(struct pacer *pacer);

#endif
