/* SPDX-License-Identifier: MIT
 *
 * Intake: bytes of an agent's stream to records in rings.  It detects the
 * dialect, decodes, routes and puts; it knows nothing of sockets.  One intake
 * serves all streams, one after the other; it belongs to the master's loop.
 */
#pragma once

#include "conf/settings.h"
#include "intake/frame.h"
#include "intake/native.h"
#include "shm/agents.h"
#include "shm/ring.h"

#include <sys/socket.h>

struct intake;

/* What the intake remembers of one stream, its owner's.  All zero: nothing has
   come yet. */
struct stream {
	enum dialect dialect;
	uint64_t offset;         /* bytes taken so far */
	struct native_scan scan; /* of the first message not taken */
	uint32_t put;            /* records of it that are in a ring already */
	bool explained; /* set by the owner: explain no more rejections */
	bool skewed;    /* likewise: no more `ahead` */
};

enum verdict {
	VERDICT_MORE,    /* all is taken but the beginning of a message */
	VERDICT_BLOCKED, /* the next report finds no room in its ring */
	VERDICT_CLOSE    /* the stream cannot be followed any further */
};

struct intake_result {
	enum verdict verdict;
	size_t used;        /* bytes taken, from the first on */
	uint32_t slot;      /* VERDICT_BLOCKED: of the ring that is full */
	uint32_t need;      /* and for how many records it needs room */
	uint32_t turn;      /* what is left of the turn: see intake_queue() */
	enum reject reason; /* VERDICT_CLOSE; else of the first rejection */
	/* VERDICT_CLOSE: where in the stream the fault lies; else, with an
	   explanation, where the report begins. */
	uint64_t fault;
	/* The fault in words, for VERDICT_CLOSE and, where it is to be
	   explained, for the first rejection; else NULL.  The intake's, valid
	   until the next call.
	 */
	const char *explanation;
	uint64_t rejected;    /* records and reports rejected in these bytes */
	uint64_t ahead;       /* seconds, of the first skewed report among them,
				 unless stream.skewed; else 0 */
	uint64_t foreign;     /* reports taken whose caller is not the peer */
	uint32_t caller;      /* if there were any: the first one's */
	bool named;           /* there was a report with a caller */
	uint32_t last_caller; /* if so: the last one's */
};

/* intake_dialect - by the first four bytes of a stream, length: 1 or more.
   *dialect: unchanged if there are less.  Returns false if no dialect begins
   so. */
bool intake_dialect(const uint8_t *bytes, size_t length, enum dialect *dialect);

/* intake_decode - as the decoder of this dialect; DECODE_SHORT for an unknown
   one.  Inline: once for each report. */
static inline enum decode
intake_decode(enum dialect dialect, const uint8_t *bytes, size_t length,
    struct report *report)
{
	switch (dialect) {
	case DIALECT_NATIVE:
		return native_decode(bytes, length, report);
	case DIALECT_LARS:
		return frame_decode(bytes, length, FRAME_ID_LARS, report);
	case DIALECT_ELB:
		return frame_decode(bytes, length, FRAME_ID_ELB, report);
	case DIALECT_UNKNOWN:
		break;
	}
	return DECODE_SHORT;
}

/* intake_new - count: where to count what comes; outlives the intake.  Returns
   NULL with errno; to be freed with free(). */
struct intake *intake_new(struct input_counters *count);

/* intake_configure - the limits of these settings apply from now on; they are
   copied. */
void intake_configure(struct intake *intake, const struct settings *settings);

/* intake_set_rings - put into these rings from now on, one for each worker, 1
   to WORKERS_MAX.  All that was put into others is published. */
void intake_set_rings(
    struct intake *intake, struct ring *const *rings, uint32_t workers);

/* intake_begin - the next bytes come from this peer, at the time `now` (seconds
   since 1970), and no other stream waits.  Before the first intake_read() of
   each turn.  agent: where to count them as well, until the next call.
   explain: explain the first rejection, unless stream.explained. */
void intake_begin(struct intake *intake, const struct sockaddr *peer,
    uint64_t now, struct agent *agent, bool explain);

/* A report is put into its ring in pieces of this many records or more; the
   last one may have less. */
#define INTAKE_PIECE 1024

/* intake_queue - after intake_begin(), while other streams wait.  awaited: the
   rings that they wait for, one bit for each slot.  Of this stream at most
   `turn` records, rounded up to a whole piece, go into these. */
void intake_queue(struct intake *intake, uint64_t awaited, uint32_t turn);

/* intake_read - take as many whole messages as there are; length: 1 or more.
   The bytes not used are to come first in the next call for this stream.
   Nothing is published yet. */
struct intake_result intake_read(struct intake *intake, struct stream *stream,
    const uint8_t *bytes, size_t length);

/* intake_is_due - whether intake_read() of these bytes, which begin with those
   that it has left, would do more than to wait for the rest of a message.  The
   cost is linear in the bytes that came since the last call. */
bool intake_is_due(const struct intake *intake, struct stream *stream,
    const uint8_t *bytes, size_t length);

/* intake_publish - show the workers what was put, and count it. */
void intake_publish(struct intake *intake);

/* intake_has_room - whether `need` records, 1 or more, fit into the ring of
   this slot; slots that have no ring have no room. */
bool intake_has_room(struct intake *intake, uint32_t slot, uint32_t need);

/* intake_alert - wake the workers that have something to do.  To be called
   before waiting for long.  Returns how many slept. */
unsigned intake_alert(struct intake *intake);
