/* SPDX-License-Identifier: MIT
 *
 * A load at a given rate, sent by a thread of its own, and reports that are
 * looked for in the table.
 */
#include "config.h"

#include "t/bench/bench.h"

#include <time.h>

#define TURN 2e-3 /* seconds between two writes */
#define RATE_REACHED 0.95

static void *
pacer_main(void *arg)
{
	struct pacer *p = arg;

	while (!atomic_load(&p->stop)) {
		uint64_t due = (uint64_t)((clock_now() - p->began) * p->rate);
		uint64_t ts = (uint64_t)time(NULL);

		if (due > p->sent + p->burst)
			due = p->sent + p->burst;
		if (ts < p->min_ts)
			ts = p->min_ts;
		for (; p->sent < due; p->sent++)
			p->report(p->sent, ts);
		if (p->turn != NULL)
			p->turn();
		clock_sleep(TURN);
	}
	return NULL;
}

void
pacer_start(struct pacer *p)
{
	p->sent = 0;
	atomic_store(&p->stop, false);
	p->began = clock_now();
	if (pthread_create(&p->thread, NULL, pacer_main, p) != 0)
		fail("cannot create a thread");
}

double
pacer_stop(struct pacer *p)
{
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
	double reached = (double)p->sent / (clock_now() - p->began);
	if (reached < RATE_REACHED * p->rate)
		note(0, "the given rate was not reached");
	return reached;
}

/* ---------------------------------------------------------------- probes -- */

#define PAUSE 200e-6 /* seconds between two polls */
#define PATIENCE 60  /* seconds */

void
agent_send(struct sender *sender, const struct record *records, size_t n)
{
	bool good = true;

	for (size_t i = 0; good && i < n; i++)
		good = sender_add(sender, &records[i]);
	if (!good)
		fail("connection to reporter lost: %s", sender->error);
}

void
agent_flush(struct sender *sender)
{
	if (!sender_flush(sender))
		fail("connection to reporter lost: %s", sender->error);
}

double
agent_probe(struct sender *sender, const struct record *probe)
{
	struct wait wait = { "a report to be visible", PATIENCE, PAUSE, 0, 0 };
	double began = clock_now();

	agent_send(sender, probe, 1);
	agent_flush(sender);
	while (wait_more(
	    &wait, base_value(probe, "succ_cnt", -1) != (int64_t)probe->succ))
		watch_check();
	return (clock_now() - began) * 1e3;
}
