/* SPDX-License-Identifier: MIT
 *
 * Key sets: the keys that a benchmark reports, as a fleet of agents would.
 * Each report holds KEYSET_RESULTS servers of one service; services differ in
 * modid and cmdid, and each agent (caller) reports every service.  Pure
 * functions: the n-th report is computed, never stored.
 *
 * The reports follow one another agent by agent, so that keys do not arrive in
 * the order of the primary key.
 */
#ifndef REPORTER_BENCH_KEYSET_H
#define REPORTER_BENCH_KEYSET_H

#include "shm/record.h"

#define KEYSET_RESULTS 10    /* records of a report */
#define KEYSET_SERVICES 1000 /* services, unless there are fewer reports */

struct keyset {
	int32_t base;  /* least modid */
	uint64_t keys; /* a multiple of KEYSET_RESULTS */
};

/* keyset_reports - how many reports make each key come once. */
uint64_t keyset_reports(const struct keyset *set);

/* keyset_last - the greatest modid. */
int32_t keyset_last(const struct keyset *set);

/* keyset_callers - the least and the greatest address of an agent. */
void keyset_callers(const struct keyset *set, uint32_t *first, uint32_t *last);

/*
 * keyset_report - fill in the records of one report, 0 to
 * keyset_reports() - 1, with this count of calls and this time.
 */
void keyset_report(const struct keyset *set, uint64_t report, uint32_t succ,
    uint64_t ts, struct record records[KEYSET_RESULTS]);

/*
 * keyset_sorted - call `each` for every record of the set, in the order of the
 * primary key.
 */
void keyset_sorted(const struct keyset *set, uint32_t succ, uint64_t ts,
    void (*each)(void *arg, const struct record *record), void *arg);

/*
 * keyset_sum - what the sum of succ_cnt over all rows must be when `sent`
 * reports were sent in order, over and over, with the number of the pass (from
 * 1) as succ.  *rows: set to how many rows there are then.
 */
uint64_t keyset_sum(const struct keyset *set, uint64_t sent, uint64_t *rows);

#endif
