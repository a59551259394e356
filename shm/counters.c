/* SPDX-License-Identifier: MIT
 *
 * The names of what is counted, and the last error of the database.
 */
#include "shm/counters.h"

#include <string.h>

const char *
reject_name(enum reject reason)
{
	static const char *const names[REJECT_REASONS] = {
		[REJECT_NOT_MSGPACK] = "not_msgpack",
		[REJECT_TOO_LONG] = "too_long",
		[REJECT_NEGATIVE_LENGTH] = "negative_length",
		[REJECT_NOT_PROTOBUF] = "not_protobuf",
		[REJECT_OTHER_MESSAGE] = "other_message",
		[REJECT_WRONG_SHAPE] = "wrong_shape",
		[REJECT_OUT_OF_RANGE] = "out_of_range",
		[REJECT_WRONG_CALLER] = "wrong_caller",
	};

	return NAME_OF(names, reason);
}

const char *
refusal_name(enum refusal refusal)
{
	static const char *const names[REFUSALS] = {
		[REFUSAL_DENIED] = "denied",
		[REFUSAL_NOT_ALLOWED] = "not_allowed",
		[REFUSAL_MAX_CONNECTIONS] = "max_connections",
		[REFUSAL_MAX_CONNECTIONS_PER_ADDRESS] =
		    "max_connections_per_address",
		[REFUSAL_NOT_TRUSTED] = "not_trusted",
		[REFUSAL_NO_DESCRIPTORS] = "no_descriptors",
		[REFUSAL_NO_MEMORY] = "no_memory",
	};

	return NAME_OF(names, refusal);
}

const char *
closing_name(enum closing closing)
{
	static const char *const names[CLOSINGS] = {
		[CLOSING_BY_AGENT] = "by_agent",
		[CLOSING_IDLE] = "idle",
		[CLOSING_MESSAGE_TIMEOUT] = "message_timeout",
		[CLOSING_DENIED] = "denied",
		[CLOSING_NOT_ALLOWED] = "not_allowed",
		[CLOSING_REFUSED] = "refused",
		[CLOSING_PROXY_HEADER] = "proxy_header",
		[CLOSING_TLS] = "tls",
		[CLOSING_BAD_STREAM] = "bad_stream",
		[CLOSING_NO_MEMORY] = "no_memory",
		[CLOSING_STOP] = "stop",
	};

	return NAME_OF(names, closing);
}

/* A slot's seqlock in small: the version is odd while the text is written.  The
   text is no atomic, so its bytes are copied as such. */
void
last_error_set(struct flush_counters *flush, unsigned number, const char *text)
{
	uint64_t version = counter_get(&flush->last_error_version) | 1;
	size_t length = strnlen(text, sizeof(flush->last_error) - 1);

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
