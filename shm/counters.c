/* SPDX-License-Identifier: MIT
 *
 * The names of the reasons that are counted, as status, metrics and manual have
 * them, and their texts for the log; and the last error of the database.
 */
#include "shm/counters.h"

#include <string.h>
#include <time.h>

struct reason {
	const char *name, *text;
};

#define REASON(table, i) \
	((unsigned)(i) < sizeof(table) / sizeof(*(table)) \
		? (table)[i] \
		: (struct reason){ "unknown", "unknown" })

static const struct reason rejects[REJECT_REASONS] = {
	[REJECT_NOT_MSGPACK] = { "not_msgpack", "not MessagePack" },
	[REJECT_TOO_LONG] = { "too_long", "message too long" },
	[REJECT_NEGATIVE_LENGTH] = { "negative_length", "negative length" },
	[REJECT_NOT_PROTOBUF] = { "not_protobuf", "not a protobuf message" },
	[REJECT_OTHER_MESSAGE] = { "other_message", "not a report message" },
	[REJECT_WRONG_SHAPE] = { "wrong_shape", "invalid structure" },
	[REJECT_OUT_OF_RANGE] = { "out_of_range", "value out of range" },
	[REJECT_WRONG_CALLER] = { "wrong_caller", "caller is another host" },
	[REJECT_UNKNOWN_PROTOCOL] = { "unknown_protocol", "unknown protocol" },
};

static const struct reason refusals[REFUSALS] = {
	[REFUSAL_DENIED] = { "denied", "address is in limits.deny" },
	[REFUSAL_NOT_ALLOWED] = { "not_allowed",
	    "address is not in limits.allow" },
	[REFUSAL_MAX_CONNECTIONS] = { "max_connections",
	    "limits.max_connections reached" },
	[REFUSAL_MAX_CONNECTIONS_PER_ADDRESS] = { "max_connections_per_address",
	    "limits.max_connections_per_address reached" },
	[REFUSAL_ACCEPT_RATE] = { "accept_rate",
	    "address used up its quarter of limits.accept_rate" },
	[REFUSAL_NOT_TRUSTED] = { "not_trusted",
	    "address is not in limits.proxy_from" },
	[REFUSAL_NO_DESCRIPTORS] = { "no_descriptors",
	    "out of file descriptors" },
	[REFUSAL_NO_MEMORY] = { "no_memory", "out of memory" },
};

static const struct reason closings[CLOSINGS] = {
	[CLOSING_BY_AGENT] = { "by_agent", "closed by the agent" },
	[CLOSING_IDLE] = { "idle", "idle timeout" },
	[CLOSING_AGE] = { "age", "limits.max_connection_age reached" },
	[CLOSING_MESSAGE_TIMEOUT] = { "message_timeout", "message timeout" },
	[CLOSING_DENIED] = { "denied", "address is in limits.deny" },
	[CLOSING_NOT_ALLOWED] = { "not_allowed",
	    "address is not in limits.allow" },
	[CLOSING_REFUSED] = { "refused", "refused" },
	[CLOSING_PROXY_HEADER] = { "proxy_header", "invalid PROXY header" },
	[CLOSING_TLS] = { "tls", "TLS failed" },
	[CLOSING_BAD_STREAM] = { "bad_stream", "invalid stream" },
	[CLOSING_NO_MEMORY] = { "no_memory", "out of memory" },
	[CLOSING_STOP] = { "stop", "shutdown" },
	[CLOSING_CARRIED] = { "carried", "continued by the next process" },
};

/* The functions that look up a reason's name, and its text for the log. */
#define DEFINE_LOOKUP(reason, table) \
	const char *reason##_name(enum reason i) \
	{ \
		return REASON(table, i).name; \
	} \
	const char *reason##_text(enum reason i) \
	{ \
		return REASON(table, i).text; \
	}

DEFINE_LOOKUP(reject, rejects)
DEFINE_LOOKUP(refusal, refusals)
DEFINE_LOOKUP(closing, closings)

/* A slot's seqlock in small: the version is odd while the text is written.  The
   text is no atomic, so its bytes are copied as such. */
void
last_error_set(struct flush_counters *flush, unsigned number, const char *text)
{
	uint64_t version = counter_get(&flush->last_error_version) | 1;
	size_t length = strnlen(text, sizeof(flush->last_error) - 1);
	struct timespec now;

	counter_set(&flush->last_error_version, version);
	/* Release fence: who sees a byte of the new text sees the odd
	   version, or a later one. */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i <= length; i++)
		__atomic_store_n(&flush->last_error[i],
		    i < length ? text[i] : '\0', __ATOMIC_RELAXED);
	counter_set(&flush->last_error_number, number);
	/* Release: licenses readers to take the text. */
	counter_release(&flush->last_error_version, version + 1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	counter_set(&flush->last_error_ts,
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

unsigned
last_error_get(const struct flush_counters *flush, char *text, size_t size)
{
	char copy[sizeof(flush->last_error) + 1] = "";
	uint64_t number = 0;

	/* The writer needs microseconds; a killed one may leave it odd, then
	   the text is as good as it gets. */
	for (int try = 0; try < 1000; try++) {
		uint64_t version = counter_acquire(&flush->last_error_version);

		number = counter_get(&flush->last_error_number);
		for (size_t i = 0; i < sizeof(flush->last_error); i++)
			copy[i] = __atomic_load_n(
			    &flush->last_error[i], __ATOMIC_RELAXED);
		/* Acquire fence: if a byte was newer, so is the version. */
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 &&
		    counter_get(&flush->last_error_version) == version)
			break;
	}
	size_t length = strnlen(copy, size - 1);
	memcpy(text, copy, length);
	text[length] = '\0';
	return (unsigned)number;
}
