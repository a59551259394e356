/* SPDX-License-Identifier: MIT
 *
 * A stream: all reports of a key set, encoded beforehand, so that sending
 * costs a write and nothing else.
 */
#ifndef REPORTER_BENCH_STREAM_H
#define REPORTER_BENCH_STREAM_H

#include "send/encode.h"
#include "bench/keyset.h"

struct stream {
	uint8_t *bytes;    /* NULL: nothing was made yet */
	uint64_t length;   /* of them */
	uint64_t reports;  /* in it */
	uint64_t *begins;  /* where each begins; [reports] is the length */
	uint64_t capacity; /* of bytes */
	uint64_t room;     /* of begins */
};

/*
 * stream_make - encode the set with this time in place of what the stream
 * held.  A stream that is all zero holds nothing.  Without memory it fails.
 */
void stream_make(struct stream *stream, enum encode_dialect dialect,
    const struct keyset *set, uint64_t ts);

/* stream_report_at - the first report that begins at this byte or behind it,
   0 to reports; offset: 0 to length. */
uint64_t stream_report_at(const struct stream *stream, uint64_t offset);

/* stream_free - free what it holds. */
void stream_free(struct stream *stream);

#endif
