/* SPDX-License-Identifier: MIT
 *
 * The counters kept in shared memory, so that they survive their process and
 * can be read by others while it runs.
 *
 * Rule 1: every word has one writing thread, which uses counter_add() or
 * counter_set(); everybody else reads with counter_get().  Each group lies on
 * cache lines of its own.
 *
 * The identity, true at any time (a reader that looks while records travel
 * must read the workers' side first, the master's last):
 *
 *     received + replayed = rejected + dropped + queued + pending
 *                         + superseded + stored + dead_letter
 *
 * queued is what the master has read and no worker has drained yet; pending
 * is added - stored - dead_letter of a worker.  replayed counts records that
 * a killed worker had put into its table without passing the ring's cursor
 * over them: they were drained a second time.
 *
 * A word named ..._ts or ..._since is a point of time: milliseconds of
 * CLOCK_MONOTONIC, so that setting the clock does not change how long ago it
 * was; 0: never.  The machine's boot begins it, and ends the segments.  In
 * copies that readers make (status_collect()) it is in seconds since 1970.
 *
 * Counters are part of the segment format: see "if you change this" in
 * segment.h.
 */
#pragma once

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

typedef _Atomic uint64_t counter;

/* counter_get, counter_set - of an atomic word of any width. */
#define counter_get(word) atomic_load_explicit(word, memory_order_relaxed)
#define counter_set(word, value) \
	atomic_store_explicit(word, value, memory_order_relaxed)

/* counter_release, counter_acquire - the same, for a word that says something
   of other words: whoever acquires a value sees all that its writer wrote
   before it released that value.  Which words these are: segment.h. */
#define counter_release(word, value) \
	atomic_store_explicit(word, value, memory_order_release)
#define counter_acquire(word) atomic_load_explicit(word, memory_order_acquire)

/* counter_add - for the word's only writer: no locked instruction needed. */
static inline void
counter_add(counter *c, uint64_t n)
{
	counter_set(c, counter_get(c) + n);
}

/* counter_sum - of n counters. */
static inline uint64_t
counter_sum(const counter *c, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += counter_get(&c[i]);
	return sum;
}

typedef uint64_t __attribute__((may_alias)) shared_word;

/* words_copy - copy words that others may write or read meanwhile: relaxed.
   Both addresses and size are multiples of 8. */
static inline void
words_copy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(shared_word); i++)
		__atomic_store_n((shared_word *)to + i,
		    __atomic_load_n(
			(const shared_word *)from + i, __ATOMIC_RELAXED),
		    __ATOMIC_RELAXED);
}

/* version_begin, version_end - for the only writer of words that have a
   version, which is odd while they are being written. */
static inline void
version_begin(counter *version)
{
	counter_set(version, counter_get(version) | 1);
	/* Release fence: who sees a new word sees that the version is odd, or
	   a later one. */
	atomic_thread_fence(memory_order_release);
}

static inline void
version_end(counter *version)
{
	/* Release: licenses readers to use what they copied. */
	counter_release(version, counter_get(version) + 1);
}

/* version_kept - for readers: whether what was copied after the version was
   acquired as `before` is consistent. */
static inline bool
version_kept(const counter *version, uint64_t before)
{
	/* Acquire fence: if a word is newer, so is the version. */
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && counter_get(version) == before;
}

/* NAME_OF - the name that an array of names has for i. */
#define NAME_OF(names, i) \
	((uint64_t)(i) < sizeof(names) / sizeof(*(names)) ? (names)[i] \
							  : "unknown")

/* The reasons: each has its name in status, metrics and manual, and its text in
   the log. */
#define REASON_ID(id, name, text) id,

/* Why a record, or a whole report, was rejected. */
#define REJECTS(X) \
	X(REJECT_NOT_MSGPACK, "not_msgpack", "not MessagePack") /* closes */ \
	/* Over max_message or the limit of frames: closes. */ \
	X(REJECT_TOO_LONG, "too_long", "message too long") \
	/* Of a frame: closes. */ \
	X(REJECT_NEGATIVE_LENGTH, "negative_length", "negative length") \
	X(REJECT_NOT_PROTOBUF, "not_protobuf", "not a protobuf message") \
	X(REJECT_OTHER_MESSAGE, "other_message", "not a report message") \
	X(REJECT_WRONG_SHAPE, "wrong_shape", "invalid structure") \
	X(REJECT_OUT_OF_RANGE, "out_of_range", "value out of range") \
	X(REJECT_WRONG_CALLER, "wrong_caller", "caller is another host") \
	/* No dialect begins like this: closes. */ \
	X(REJECT_UNKNOWN_PROTOCOL, "unknown_protocol", "unknown protocol")
enum reject {
	REJECTS(REASON_ID) REJECT_REASONS
};

/* Why a connection was refused, as soon as it was accepted. */
#define REFUSALS_EACH(X) \
	X(REFUSAL_DENIED, "denied", "address is in limits.deny") \
	X(REFUSAL_NOT_ALLOWED, "not_allowed", \
	    "address is not in limits.allow") \
	X(REFUSAL_MAX_CONNECTIONS, "max_connections", \
	    "limits.max_connections reached") \
	X(REFUSAL_MAX_CONNECTIONS_PER_ADDRESS, "max_connections_per_address", \
	    "limits.max_connections_per_address reached") \
	X(REFUSAL_ACCEPT_RATE, "accept_rate", \
	    "address used up its quarter of limits.accept_rate") \
	X(REFUSAL_NOT_TRUSTED, "not_trusted", \
	    "address is not in limits.proxy_from") \
	X(REFUSAL_NO_DESCRIPTORS, "no_descriptors", "out of file descriptors") \
	X(REFUSAL_NO_MEMORY, "no_memory", "out of memory")
enum refusal {
	REFUSALS_EACH(REASON_ID) REFUSALS
};

/* Why a connection that was let in was closed. */
#define CLOSINGS_EACH(X) \
	X(CLOSING_BY_AGENT, "by_agent", "closed by the agent") \
	X(CLOSING_IDLE, "idle", "idle timeout") \
	X(CLOSING_AGE, "age", "limits.max_connection_age reached") \
	X(CLOSING_MESSAGE_TIMEOUT, "message_timeout", "message timeout") \
	/* These two by a reload. */ \
	X(CLOSING_DENIED, "denied", "address is in limits.deny") \
	X(CLOSING_NOT_ALLOWED, "not_allowed", \
	    "address is not in limits.allow") \
	/* By the address of a PROXY header. */ \
	X(CLOSING_REFUSED, "refused", "refused") \
	X(CLOSING_PROXY_HEADER, "proxy_header", "invalid PROXY header") \
	X(CLOSING_TLS, "tls", "TLS failed") /* or none was begun */ \
	X(CLOSING_BAD_STREAM, "bad_stream", "invalid stream") \
	X(CLOSING_NO_MEMORY, "no_memory", "out of memory") \
	X(CLOSING_STOP, "stop", "shutdown") /* or reporter was killed */ \
	X(CLOSING_CARRIED, "carried", "continued by the next process")
enum closing {
	CLOSINGS_EACH(REASON_ID) CLOSINGS
};

/* REASON_name, REASON_text - of these lists; "unknown" for other numbers. */
const char *reject_name(enum reject reason);
const char *reject_text(enum reject reason);
const char *refusal_name(enum refusal reason);
const char *refusal_text(enum refusal reason);
const char *closing_name(enum closing reason);
const char *closing_text(enum closing reason);

/* Written by a worker's drain thread. */
struct drain_counters {
	alignas(CACHE_LINE) counter added; /* puts that made a key dirty */
	counter superseded; /* a newer record of the key took its place */
	counter replayed;   /* drained twice, after a kill */
	counter evicted;    /* stored keys that made room for others */
	counter full;       /* times the drain stopped at a full table */
	counter used;       /* slots in use, a gauge */
	counter skewed;     /* stored times beyond the horizon, taken over */
	counter urgent;     /* keys marked as urgent, ever */
};
static_assert(sizeof(struct drain_counters) == 64, "part of the format");

/* What a process takes of the machine, noted by itself every few seconds. */
struct process_counters {
	counter cpu_us;    /* of all its threads, microseconds */
	counter memory;    /* resident, with the shared memory it uses, bytes */
	counter files;     /* descriptors open */
	counter files_max; /* its limit on them */
	counter log_lost;  /* log lines that the target did not take */
};

#define HISTOGRAM_BUCKETS 16
#define FLUSH_ERRORS 9 /* classes of errors, see sql/dberror.h */

/* Written by a worker's flush thread. */
struct flush_counters {
	alignas(CACHE_LINE) counter stored; /* records MySQL committed */
	counter dead_letter;   /* records the server refused, set aside */
	counter dead_lost;     /* of these, not in the file: it was full */
	counter rows;          /* rows sent, repeated ones as well */
	counter flushes;       /* transactions committed */
	counter clamped;       /* counts cut to the column's range */
	counter connects;      /* connections made to the database */
	counter last_flush_ts; /* the end of the last transaction */
	counter last_flush_us; /* how long it took, microseconds */
	counter flush_us;      /* the sum of all, microseconds */
	counter errors[FLUSH_ERRORS];       /* by class; [0] stays 0 */
	counter buckets[HISTOGRAM_BUCKETS]; /* flushes that took < 2^i ms */
	counter connected;                  /* 1 while connected, a gauge */
	counter last_error_ts;
	counter last_error_number; /* MySQL's error number */
	/* Odd while last_error is being written. */
	counter last_error_version;
	char last_error[192]; /* text, ended by a 0: last_error_get() */
	/* Since when keys are pending and none was committed; 0: none is
	   pending. */
	counter waiting_since;
	counter held;         /* rows kept out of batches, a gauge */
	counter removed;      /* rows removed by retention */
	counter retention_ts; /* end of its last pass */
	/* Since when connecting has failed, or the connection is lost; 0:
	   neither. */
	counter apart_since;
	/* The host connected to last, a text ended by a 0; written while
	   connected is 0. */
	counter host[16];
	counter clock_skew;  /* between the server's clock and ours, seconds */
	counter age_seconds; /* sum over the records committed */
	counter ages[HISTOGRAM_BUCKETS]; /* those that were < 2^i seconds old */
	/* Since when an error that a person must fix holds up all rows; 0: none
	   does. */
	counter blocked_since;
	/* When a statement or a connect first succeeded after last_error_ts;
	   earlier: none has. */
	counter recovered_ts;
};
static_assert(sizeof(struct flush_counters) == 832, "part of the format");

/* last_error_set - show an error of the database, and that it was now, to
   readers.  The text is cut to what fits.  The flush thread. */
void last_error_set(
    struct flush_counters *flush, unsigned number, const char *text);

/* last_error_get - copy the text of the last error; "" when there was none.
   Returns its number.  Any process; size is 1 or more. */
unsigned last_error_get(
    const struct flush_counters *flush, char *text, size_t size);

/* Records that the workers of one segment or of several have counted. */
struct totals {
	counter superseded, replayed, stored, dead_letter;
};

/* Written by the master: what came in. */
struct input_counters {
	alignas(CACHE_LINE) counter received; /* records, rejected ones too */
	counter reports;                      /* whole reports accepted */
	counter dropped;                  /* records dropped: overflow = drop */
	counter rejected[REJECT_REASONS]; /* a whole report counts as one */
	counter skewed;  /* reports whose ts was ahead, taken as now */
	counter foreign; /* reports taken whose caller is not the peer */
	counter bytes;   /* read from agents */
	/* Connections: accepted = connections + the sum of closed. */
	counter accepted;          /* let in */
	counter refused[REFUSALS]; /* not let in */
	counter closed[CLOSINGS];  /* let in, and closed since */
	counter accept_holds;      /* times that accepting was held to a rate */
	counter connections;       /* open now, a gauge */
	counter throttled;         /* connections not read now, a gauge */
	counter throttles;         /* times a connection was throttled */
	counter reloads;           /* configurations taken into use */
	counter reload_errors;     /* configurations refused */
	/* Of segments that were emptied and removed.  Their records were all
	   stored or set aside. */
	struct totals retired;
	/* When a record was last set aside, was dropped, was refused and lost
	   since it could not be set aside. */
	counter last_dead_letter_ts, last_dropped_ts, last_dead_lost_ts;
	/* 1 more than those taken and refused while a reload is under way. */
	counter reloads_begun;
	/* Of the configuration in use: limits.max_connections, when it came
	   into use, when its certificate expires (seconds since 1970; 0: it has
	   none). */
	counter connections_max, configured_ts, certificate_expires;
	/* Of the log: reopens begun and ended, odd while one is under way, and
	   errno of the last, 0: it succeeded. */
	counter reopens, reopen_error;
	struct process_counters process;
};
static_assert(sizeof(struct input_counters) == 512, "part of the format");
