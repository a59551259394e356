/* SPDX-License-Identifier: MIT
 *
 * Streams.  Owns the bytes of each struct stream.  One thread at a time; a
 * lack of memory is fatal.
 */
#include "config.h"

#include "bench/stream.h"

#include "bench/fail.h"

#include <stdlib.h>

/* The count of calls in reports: as many bytes as usual in every dialect. */
#define SUCC_LEAST 1000
#define SUCC_SPAN 15000

static void *
grown(void *p, uint64_t bytes)
{
	p = realloc(p, bytes);
	if (p == NULL)
		fail("no memory for %llu bytes", (unsigned long long)bytes);
	return p;
}

void
stream_make(struct stream *stream, enum encode_dialect dialect,
    const struct keyset *set, uint64_t ts)
{
	struct record records[KEYSET_RESULTS];
	uint64_t reports = keyset_reports(set);
	uint32_t succ = SUCC_LEAST + (uint32_t)(ts % SUCC_SPAN);

	if (stream->room < reports + 1) {
		stream->room = reports + 1;
		stream->begins = grown(
		    stream->begins, stream->room * sizeof(*stream->begins));
	}
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
