/* SPDX-License-Identifier: MIT
 *
 * The names of what is counted.  Any process, any thread.
 */
#include "shm/counters.h"

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

	return (unsigned)reason < REJECT_REASONS ? names[reason] : "unknown";
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

	return (unsigned)refusal < REFUSALS ? names[refusal] : "unknown";
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

	return (unsigned)closing < CLOSINGS ? names[closing] : "unknown";
}

const char *
db_class_name(enum db_class kind)
{
	static const char *const names[DB_CLASSES] = {
		[DB_OK] = "ok",
		[DB_RETRY] = "retry",
		[DB_RECONNECT] = "reconnect",
		[DB_NEXT_HOST] = "next_host",
		[DB_WAIT_ROOM] = "wait_room",
		[DB_SPLIT] = "split",
		[DB_REFUSED] = "refused",
		[DB_HOLD] = "hold",
	};

	return (unsigned)kind < DB_CLASSES ? names[kind] : "unknown";
}
