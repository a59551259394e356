/* SPDX-License-Identifier: MIT
 *
 * Key sets.  Owns nothing; any thread; cannot fail.
 */
#include "config.h"

#include "bench/keyset.h"

#define FUNCTIONS 10           /* functions (cmdid) of a service number */
#define SERVER_NET 0x0a000000u /* 10.0.0.0 */
#define CALLER_NET 0x0a800000u /* 10.128.0.0 */
#define PORT 8000
#define OVERLOADED_EVERY 64 /* one of so many reports is overloaded */

uint64_t
keyset_reports(const struct keyset *set)
{
	return set->keys / KEYSET_RESULTS;
}

static uint64_t
keyset_services(const struct keyset *set)
{
	uint64_t reports = keyset_reports(set);

	return reports < KEYSET_SERVICES ? reports : KEYSET_SERVICES;
}

int32_t
keyset_last(const struct keyset *set)
{
	return set->base + (int32_t)((keyset_services(set) - 1) / FUNCTIONS);
}

void
keyset_callers(const struct keyset *set, uint32_t *first, uint32_t *last)
{
	uint64_t services = keyset_services(set);

	*first = CALLER_NET;
	*last = CALLER_NET + (uint32_t)((keyset_reports(set) - 1) / services);
}

static struct record
keyset_record(const struct keyset *set, uint64_t report, uint32_t result,
    uint32_t succ, uint64_t ts)
{
	uint32_t services = (uint32_t)keyset_services(set);
	uint32_t service = (uint32_t)(report % services);
	uint32_t agent = (uint32_t)(report / services);
	struct record record = {
		.modid = set->base + (int32_t)(service / FUNCTIONS),
		.cmdid = (int32_t)(service % FUNCTIONS + 1),
		.ip = SERVER_NET + service * KEYSET_RESULTS + result,
		.caller = CALLER_NET + agent,
		.succ = succ,
		.err = (uint32_t)(report % 7),
		.port = (uint16_t)(PORT + result),
		.overload = report % OVERLOADED_EVERY == 0,
	};

	record_set_ts(&record, ts);
	return record;
}

void
keyset_report(const struct keyset *set, uint64_t report, uint32_t succ,
    uint64_t ts, struct record records[KEYSET_RESULTS])
{
	for (uint32_t i = 0; i < KEYSET_RESULTS; i++)
		records[i] = keyset_record(set, report, i, succ, ts);
}

void
keyset_sorted(const struct keyset *set, uint32_t succ, uint64_t ts,
    void (*each)(void *arg, const struct record *record), void *arg)
{
	uint64_t services = keyset_services(set);
	uint64_t reports = keyset_reports(set);

	for (uint64_t service = 0; service < services; service++) {
		for (uint32_t i = 0; i < KEYSET_RESULTS; i++) {
			for (uint64_t r = service; r < reports; r += services) {
				struct record record =
				    keyset_record(set, r, i, succ, ts);
				each(arg, &record);
			}
		}
	}
}

uint64_t
keyset_sum(const struct keyset *set, uint64_t sent, uint64_t *rows)
{
	uint64_t reports = keyset_reports(set);
	uint64_t passes = sent / reports, more = sent % reports;

	*rows = (passes > 0 ? reports : more) * KEYSET_RESULTS;
	return KEYSET_RESULTS *
	       (more * (passes + 1) + (reports - more) * passes);
}
