/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "t/bench/bench.h"

#include <stdlib.h>

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

/* The count of calls: as many bytes as usual in every dialect. */
#define SUCC_MIN 1000
#define SUCC_SPAN 15000

void
stream_make(struct stream *stream, enum encode_dialect dialect,
    const struct keyset *set, uint64_t ts)
{
	struct record records[KEYSET_RESULTS];
	uint64_t reports = keyset_reports(set);
	uint32_t succ = SUCC_MIN + (uint32_t)(ts % SUCC_SPAN);

	stream->begins =
	    grown(stream->begins, (reports + 1) * sizeof(*stream->begins));
	stream->length = 0;
	stream->reports = reports;
	for (uint64_t i = 0; i < reports; i++) {
		if (stream->capacity - stream->length < ENCODE_REPORT_MAX) {
			stream->capacity =
			    stream->capacity * 2 + 64 * ENCODE_REPORT_MAX;
			stream->bytes = grown(stream->bytes, stream->capacity);
		}
		stream->begins[i] = stream->length;
		keyset_report(set, i, succ, ts, records);
		/* The same keys in every dialect: the table has room once. */
		for (int j = 0; j < KEYSET_RESULTS; j++)
			records[j].elb = dialect == ENCODE_ELB;
		stream->length += encode_report(dialect, records,
		    KEYSET_RESULTS, stream->bytes + stream->length);
	}
	stream->begins[reports] = stream->length;
}

uint64_t
stream_report_at(const struct stream *stream, uint64_t offset)
{
	uint64_t low = 0, high = stream->reports;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (stream->begins[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
stream_free(struct stream *stream)
{
	free(stream->bytes);
	free(stream->begins);
	*stream = (struct stream){ 0 };
}
